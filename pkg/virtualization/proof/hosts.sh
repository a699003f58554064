# Writes what this node knows of hardware virtualization. Its devices are below /host/dev.
flags= model=
while IFS=: read -r key value; do
  [[ $key == flags* && -z $flags ]] && flags="$value "
  [[ $key == "model name"* && -z $model ]] && model=${value# }
done </proc/cpuinfo
kvm=0 extension=0 guest=0
[[ $flags == *" vmx "* || $flags == *" svm "* ]] && extension=1
[[ $flags == *" hypervisor "* ]] && guest=1
[[ -c /host/dev/kvm ]] && kvm=1
printf 'kvm=%s extension=%s guest=%s model=%s\n' "$kvm" "$extension" "$guest" "$model" | tee "${MESSAGE:-/dev/null}"
