# Connects to a port of every HOST, for at most SECONDS in all: PORT[,PORT...] SECONDS HOST...
# It writes what has answered, and exits with 3 if a host has not, with 127 if a program is missing.
ports=$1 limit=$2
shift 2
for program in timeout sleep tee; do
  command -v "$program" >/dev/null && continue
  printf 'it has no %s' "$program" >"${MESSAGE:-/dev/stdout}"
  exit 127
done
result=
for host; do
  while :; do
    why=
    for port in ${ports//,/ }; do
      # The inner shell says why it cannot connect; the first line of the guest, if it sends one, is the proof.
      answer=$(timeout 8 bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1; read -r -t 1 line <&3
        printf "%s" "${line%$'"'\r'"'}"' "$host" "$port" 2>&1) && break 2
      [[ $? == 124 ]] && answer="no answer"
      why+=", port $port: ${answer##*: }"
    done
    if ((SECONDS >= limit)); then
      printf '%s' "$result$host$why" | tee "${MESSAGE:-/dev/null}"
      exit 3
    fi
    sleep 1
  done
  result+="$host port $port${answer:+ says \"$answer\"}; "
done
printf '%s' "${result%; }" | tee "${MESSAGE:-/dev/null}"
