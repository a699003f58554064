# Writes what the kernel of this node knows of hardware virtualization. Any container may read these files.
flags= model=
while IFS=: read -r key value; do
  [[ $key == flags* && -z $flags ]] && flags="$value "
  [[ $key == "model name"* && -z $model ]] && model=${value# }
done </proc/cpuinfo
kvm=0 extension=0 guest=0
[[ $flags == *" vmx "* || $flags == *" svm "* ]] && extension=1
[[ $flags == *" hypervisor "* ]] && guest=1
while read -r _ name; do
  [[ $name == kvm ]] && kvm=1
done </proc/misc
printf 'kvm=%s extension=%s guest=%s model=%s\n' "$kvm" "$extension" "$guest" "$model" | tee "${MESSAGE:-/dev/null}"
