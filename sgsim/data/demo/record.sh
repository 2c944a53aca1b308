#!/usr/bin/env bash
#
# Records demo.pcap, the capture behind `sgsim demo`: real programs talking
# between network namespaces, seen at one network interface, that of the
# instance "web". Run it as root on Debian; it takes about a minute.
#
#   web       10.0.0.5      2001:db8:10::5     the instance under test
#   dns       10.0.0.53                        a name server in the same subnet
#   client    198.51.100.7  2001:db8:100::7    a visitor out on the Internet
#   bastion   203.0.113.1                      where the administrators come from
#   scanner   203.0.113.9                      somebody who tries every door
#   upstream  192.0.2.80    2001:db8:200::80   an HTTP API that the instance calls
#
#   web, dns --[bridge vpc]-- router --[bridge internet]-- all the others
#
# Nothing filters in here: the security groups are what sgsim adds afterwards.
# Nothing leaves either: the router has no link to the machine that runs this.
# What the machine is called and who its users are stays outside as well: each
# program sees its host's own name, and the few files in /etc that we write.

set -euo pipefail

# Debian keeps half of these tools in sbin, which a user's PATH may lack; and a
# python3 from elsewhere would bring its own version into the HTTP headers.
PATH=/usr/sbin:/usr/bin:/sbin:/bin

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
recording=$here/demo-incomplete-$$.pcap # Debian lets a confined tcpdump write only *.pcap
hosts=(web dns client bastion scanner upstream)
gateways_vpc=(10.0.0.1/24 2001:db8:10::1/64)
gateways_internet=(198.51.100.254/24 203.0.113.254/24 192.0.2.254/24
    2001:db8:100::1/64 2001:db8:200::1/64)

work=         # scratch folder: keys, pages, logs
namespaces=() # what this run has made, for clean_up
missing=()    # Debian packages that this run lacks

# --- helpers -----------------------------------------------------------------

die() {
    printf 'record.sh: %s\n' "$1" >&2
    exit 1
}

stage() {
    printf '%2d s  %s\n' "$SECONDS" "$1"
}

need() { # need TOOL PACKAGE
    command -v "$1" >/dev/null || missing+=("$2")
}

clean_up() {
    local status=$? jobs index namespace
    trap - EXIT
    # Newest first, so that clients hang up before their servers go.
    mapfile -t jobs <<<"$(jobs -pr)"
    for ((index = ${#jobs[@]} - 1; index >= 0; index--)); do
        kill "${jobs[index]}" 2>/dev/null || true
        wait "${jobs[index]}" 2>/dev/null || true
    done
    for namespace in "${namespaces[@]}"; do
        ip netns delete "$namespace" 2>/dev/null || true
    done
    if ((status != 0)); then
        tail -n 5 "$work"/*.log >&2 2>/dev/null || true
        echo "record.sh: nothing recorded (status $status)" >&2
    fi
    rm -f "$recording"
    [[ -z $work ]] || rm -rf "$work"
    exit "$status"
}

# Becomes COMMAND on HOST. It replaces the shell that calls it, so that the
# process id of a background job is that of the program itself; hence `run` and
# `start`. `ip netns exec` gives a private mount namespace, so the files that we
# lay over /etc exist for this one program only.
enter() { # enter HOST COMMAND [ARGUMENT]...
    # shellcheck disable=SC2016  # expanded by the inner shell
    exec ip netns exec "sgsim-$1" \
        env -i PATH="$PATH" HOME="$work/home" LC_ALL=C TERM=dumb \
        unshare --uts bash -c '
            set -e
            hostname "$1"
            for file in "$2"/*; do mount --bind "$file" "/etc/${file##*/}"; done
            shift 2
            exec "$@"' bash "$1" "$work/etc" "${@:2}"
}

run() { (enter "$@"); }

start() { # start HOST COMMAND [ARGUMENT]...
    enter "$@" </dev/null >"$work/$1-$2.log" 2>&1 &
}

# Sleeps without a process of its own, which would outlive an interrupted run
# or hold back the trap.
pause() { # pause SECONDS
    read -rt "$1" <>"$work/silence" || true
}

wait_for() { # wait_for SECONDS WHAT COMMAND [ARGUMENT]...
    local deadline=$((SECONDS + $1)) what=$2
    until "${@:3}"; do
        ((SECONDS < deadline)) || die "waited $1 s in vain: $what"
        pause 0.1
    done
}

# --- the network -------------------------------------------------------------

add_namespace() {
    [[ ! -e /run/netns/sgsim-$1 ]] || die "namespace sgsim-$1 exists: is a recording under way?"
    namespaces+=("sgsim-$1")
    ip netns add "sgsim-$1"
    # IPv6 on, wherever this machine has it off; and addresses that are ours at
    # once, without the second that duplicate address detection takes.
    ip netns exec "sgsim-$1" tee >/dev/null <<<0 \
        /proc/sys/net/ipv6/conf/{all,default}/{disable_ipv6,accept_dad}
    ip -n "sgsim-$1" link set lo up
}

# With segmentation, checksum or receive offload on either end, a capture shows
# frames that never were on a wire: larger than the MTU, with unfinished checksums.
offloads_off() { # offloads_off HOST DEVICE
    ip netns exec "sgsim-$1" ethtool -K "$2" tso off gso off gro off tx off rx off >/dev/null
}

# Fixed MAC addresses, each spelling an IPv4 address, so that recordings are alike.
set_mac() { # set_mac ADDRESS[/PREFIX]: sets the caller's `mac`
    local octets
    IFS=. read -ra octets <<<"${1%/*}"
    printf -v mac '02:00:%02x:%02x:%02x:%02x' "${octets[@]}"
}

add_bridge() { # add_bridge NAME IPV4 ADDRESS...
    local address mac
    set_mac "$2"
    ip -n sgsim-router link add "$1" address "$mac" type bridge
    offloads_off router "$1"
    for address in "${@:2}"; do
        ip -n sgsim-router address add "$address" dev "$1"
    done
    ip -n sgsim-router link set "$1" up
}

# One interface per host. Its far end is a mere bridge port: no address, no voice.
attach() { # attach HOST BRIDGE IPV4 GATEWAY [IPV6 GATEWAY]
    local mac
    set_mac "$3"
    ip -n "sgsim-$1" link add eth0 address "$mac" type veth peer name "$1" netns sgsim-router
    offloads_off "$1" eth0
    offloads_off router "$1"
    ip -n sgsim-router link set "$1" master "$2" addrgenmode none up
    ip -n "sgsim-$1" address add "$3" dev eth0
    [[ -z ${5:-} ]] || ip -n "sgsim-$1" address add "$5" dev eth0
    ip -n "sgsim-$1" link set eth0 up
    ip -n "sgsim-$1" route add default via "$4"
    [[ -z ${6:-} ]] || ip -n "sgsim-$1" route add default via "$6"
}

build_network() {
    local host
    for host in router "${hosts[@]}"; do add_namespace "$host"; done
    ip netns exec sgsim-router tee >/dev/null <<<1 \
        /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding
    add_bridge vpc "${gateways_vpc[@]}"
    add_bridge internet "${gateways_internet[@]}"
    attach web vpc 10.0.0.5/24 10.0.0.1 2001:db8:10::5/64 2001:db8:10::1
    attach dns vpc 10.0.0.53/24 10.0.0.1
    attach client internet 198.51.100.7/24 198.51.100.254 2001:db8:100::7/64 2001:db8:100::1
    attach bastion internet 203.0.113.1/24 203.0.113.254
    attach scanner internet 203.0.113.9/24 203.0.113.254
    attach upstream internet 192.0.2.80/24 192.0.2.254 2001:db8:200::80/64 2001:db8:200::1
}

# --- what runs on the hosts --------------------------------------------------

write_files() {
    chmod 711 "$work" # the account `admin` must reach its home
    mkdir "$work"/{etc,home,site,api}
    mkfifo "$work"/{keys,silence}

    # An account of our own: the session never runs the start-up files of this
    # machine's users, and works where root is locked. Names come from our server only.
    {
        getent passwd root sshd
        echo "admin:x:1000:1000::$work/admin:/bin/bash"
    } >"$work/etc/passwd"
    printf '%s:*:::::::\n' root sshd admin >"$work/etc/shadow"
    chmod 600 "$work/etc/shadow"
    printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n' >"$work/etc/nsswitch.conf"
    echo '127.0.0.1 localhost' >"$work/etc/hosts"
    echo 'nameserver 10.0.0.53' >"$work/etc/resolv.conf"

    echo '<h1>web.example.com</h1>' >"$work/site/index.html"
    seq -f 'line %.0f of the catalogue' 2400 >"$work/site/catalogue.txt"
    echo '{"status": "ok"}' >"$work/api/status.json"
    seq -f 'line %.0f of the report' 500 >"$work/api/report.txt"

    # Keys of this one session, without a comment (it would name user and machine).
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/host_key"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/admin_key"
    install -d -o 1000 -g 1000 -m 700 "$work/admin"
    install -o 1000 -g 1000 -m 600 "$work/admin_key.pub" "$work/admin/authorized_keys"
    cat >"$work/sshd_config" <<CONFIG
ListenAddress 10.0.0.5
HostKey $work/host_key
AuthorizedKeysFile $work/admin/authorized_keys
AuthenticationMethods publickey
UsePAM no
PrintMotd no
PrintLastLog no
DebianBanner no
PidFile none
CONFIG
}

# Two processors may stamp two packets in one order and store them in the other.
# This shell, and with it all that it starts, keeps to the first that it may use.
use_one_processor() {
    local allowed
    allowed=$(taskset -cp $$)
    allowed=${allowed##*: }
    taskset -cp "${allowed%%[,-]*}" $$ >/dev/null
}

listens() { # listens HOST udp|tcp PORT
    ip netns exec "sgsim-$1" ss -Hnl "--$2" "sport = :$3" | grep -q .
}

# Python's HTTP server, but for more than five connections at the door: beyond
# those it would leave SYNs unanswered, now more, now fewer of them.
serve() { # serve HOST FOLDER
    start "$1" python3 -c 'import runpy, socketserver
socketserver.TCPServer.request_queue_size = 64
runpy.run_module("http.server", run_name="__main__")' --bind :: --directory "$2" 80
}

start_servers() {
    start dns dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --log-facility=- \
        --user=root --no-resolv --no-hosts --local=/example.com/ \
        --host-record=web.example.com,10.0.0.5,2001:db8:10::5 \
        --host-record=api.example.com,192.0.2.80,2001:db8:200::80
    wait_for 10 'dnsmasq' listens dns udp 53

    serve web "$work/site"
    serve upstream "$work/api"

    # sshd wants its folder in /run and notes each login below /run and /var/log:
    # give it empty ones, seen by it alone.
    start web bash -c "mount -t tmpfs none /run
        mount -t tmpfs none /var/log
        mkdir -m 755 /run/sshd
        exec $(command -v sshd) -D -e -f $work/sshd_config"
    wait_for 10 'the HTTP server of web' listens web tcp 80
    wait_for 10 'the HTTP server of upstream' listens upstream tcp 80
    wait_for 10 'sshd' listens web tcp 22
}

# --- the traffic -------------------------------------------------------------

fetch() { # fetch HOST CURL-ARGUMENT...
    run "$1" curl -q --silent --show-error --fail --max-time 15 --output /dev/null \
        "${@:2}" 2>>"$work/$1-curl.log"
}

# Keys as a person strikes them: one at a time, each echoed by the far end.
type_line() {
    local index
    for ((index = 0; index < ${#1}; index++)); do
        printf '%s' "${1:index:1}"
        pause 0.08
    done
    printf '\n'
}

administrator() {
    pause 2
    type_line 'uptime -p'
    pause 12
    type_line 'df -h /'
    pause 18
    type_line 'ls /'
    pause 8
    type_line 'exit'
}

play_traffic() {
    stage 'bastion -> web: an SSH session that lasts until the end, mostly idle'
    administrator >"$work/keys" 2>/dev/null &
    enter bastion ssh -F none -tt -i "$work/admin_key" -o IdentitiesOnly=yes \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null admin@10.0.0.5 \
        <"$work/keys" >"$work/bastion-ssh.log" 2>&1 &
    local ssh_pid=$!
    pause 2

    stage 'web -> dns: three questions from one port, then one from another'
    run web dig @10.0.0.53 -b 10.0.0.5#40053 +noall \
        web.example.com A api.example.com A api.example.com AAAA
    run web dig @10.0.0.53 +noall nothing.example.com A

    stage 'web -> upstream: a call to a closed port'
    local status=0
    fetch web --ipv4 https://api.example.com/ || status=$?
    ((status == 7)) || die "curl should have been refused (7), not $status"

    stage 'client -> web: ping over IPv4 and IPv6'
    run client ping -q -n -c 5 -i 0.4 10.0.0.5 >/dev/null
    run client ping -q -n -c 5 -i 0.4 2001:db8:10::5 >/dev/null

    stage 'client -> web: HTTP over IPv4, then over IPv6'
    local host visit
    for host in 10.0.0.5 '[2001:db8:10::5]'; do
        for ((visit = 0; visit < 8; visit++)); do
            fetch client "http://$host/"
            pause 0.2
        done
        fetch client "http://$host/catalogue.txt"
    done

    stage 'scanner -> web: the 100 commonest TCP ports, then three UDP ports'
    run scanner nmap -n -Pn -sS --top-ports 100 10.0.0.5 >"$work/scanner-tcp.log"
    run scanner nmap -n -Pn -sU -p 53,123,161 10.0.0.5 >"$work/scanner-udp.log"

    # Longer than the 30 s for which AWS keeps an entry of one question and one
    # answer (and Linux one of a ping): those of the first seconds run out here.
    stage 'quiet, but for the SSH session'
    ((SECONDS >= 40)) || pause $((40 - SECONDS))

    stage 'web -> upstream: one HTTP call over IPv4, one over IPv6, by name'
    fetch web --ipv4 http://api.example.com/status.json
    fetch web --ipv6 http://api.example.com/status.json

    stage 'web -> upstream: twelve HTTP connections at once'
    fetch web --parallel --parallel-immediate --parallel-max 12 \
        'http://192.0.2.80/report.txt?part=[1-12]'

    wait "$ssh_pid" || die 'the SSH session failed'
    stage 'bastion -> web: end of the SSH session'
    pause 1
}

# --- the recording -----------------------------------------------------------

read_back() { # read_back FILTER...
    tcpdump -ttn --time-stamp-precision=nano -r "$recording" "$@" 2>/dev/null
}

((EUID == 0)) || die 'run as root: network namespaces and tcpdump need it'
need ip iproute2
need ss iproute2
need ethtool ethtool
need tcpdump tcpdump
need unshare util-linux
need taskset util-linux
need hostname hostname
need python3 python3
need curl curl
need dnsmasq dnsmasq-base
need dig bind9-dnsutils
need ping iputils-ping
need ssh openssh-client
need sshd openssh-server
need nmap nmap
((${#missing[@]} == 0)) || die "tools are missing: apt-get install ${missing[*]}"

trap clean_up EXIT
trap 'exit 130' INT TERM HUP
work=$(mktemp -d)
use_one_processor
write_files
build_network
start_servers
pause 3 # new interfaces report their multicast groups at random moments: let that pass

# -Z root: else Debian's tcpdump becomes a user who may not write here.
start web tcpdump -i eth0 -s 128 -U -n --time-stamp-precision=nano -Z root -w "$recording"
tcpdump_pid=$!
tcpdump_log=$work/web-tcpdump.log
wait_for 10 'tcpdump' grep -q 'listening on' "$tcpdump_log"

SECONDS=0
play_traffic

# By its id, and gently: on SIGTERM tcpdump writes out what it holds and its counts.
kill -TERM "$tcpdump_pid"
wait "$tcpdump_pid" || die 'tcpdump failed'
grep -qx '0 packets dropped by kernel' "$tcpdump_log" || die 'tcpdump lost packets: record again'
[[ -z $(read_back greater 1515) ]] || die 'frames larger than the MTU: are the offloads off?'
read_back | cut -d ' ' -f 1 | LC_ALL=C sort -c || die 'packets out of order: record again'
grep 'packets captured' "$tcpdump_log"
mv "$recording" "$here/demo.pcap"
