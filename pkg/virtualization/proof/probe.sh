# Connects to PORT of every HOST for at most SECONDS in all: PORT SECONDS HOST...
# It writes what has answered, and exits with 3 if one has not.
port=$1 limit=$2
shift 2
result=
for host; do
  while :; do
    # The inner shell says why it cannot connect; the first line of the guest, if it sends one, is the proof.
    answer=$(timeout 8 bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1; read -r -t 3 line <&3; printf "%s" "${line%$'"'\r'"'}"' \
      "$host" "$port" 2>&1) && break
    code=$?
    if ((SECONDS >= limit)); then
      [[ $code == 124 ]] && answer="no answer"
      printf '%s' "${result}$host port $port: ${answer##*: }" | tee "${MESSAGE:-/dev/null}"
      exit 3
    fi
    sleep 1
  done
  result+="$host port $port${answer:+ says \"$answer\"}; "
done
printf '%s' "${result%; }" | tee "${MESSAGE:-/dev/null}"
