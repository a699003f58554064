#!/bin/sh
# Brings the node agent into the live system. dracut sources this before the initramfs hands
# over, so it must not exit.
okd_agent_dir="$NEWROOT/usr/local"
if [ -L "$okd_agent_dir" ]; then # CoreOS has /usr/local -> ../var/usrlocal
	case "$(readlink "$okd_agent_dir")" in
	/*) okd_agent_dir="$NEWROOT$(readlink "$okd_agent_dir")" ;;
	*) okd_agent_dir="$NEWROOT/usr/$(readlink "$okd_agent_dir")" ;;
	esac
fi
if mkdir -p "$okd_agent_dir/bin" &&
	cp /okd-agent/okd-install "$okd_agent_dir/bin/okd-install" &&
	chmod 0755 "$okd_agent_dir/bin/okd-install"; then
	echo "okd-agent: the node agent is in /usr/local/bin"
else
	echo "okd-agent: cannot copy the node agent to $okd_agent_dir/bin; is the memory full?" >&2
fi
unset okd_agent_dir
