#!/bin/bash
# First start of the NAT instance: forward packets, and send them out under its own address.
set -euo pipefail

dnf install --assumeyes --quiet nftables

cat > /etc/sysctl.d/90-nat.conf << 'END'
net.ipv4.ip_forward = 1
net.netfilter.nf_conntrack_max = 131072
END
modprobe nf_conntrack
sysctl --quiet --load /etc/sysctl.d/90-nat.conf

interface=$(ip -4 -json route show default | sed -E 's/.*"dev":"([^"]+)".*/\1/')
cat > /etc/sysconfig/nftables.conf << END
flush ruleset
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "$interface" masquerade
  }
}
END
systemctl enable --now nftables
