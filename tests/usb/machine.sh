#!/usr/bin/env bash
# A machine with three cameras, /dev/video0 to /dev/video2, and USB ports for more, to run a command in:
#
#     machine.sh fetch KERNEL                 downloads the kernel by apt, if it is not there yet
#     machine.sh run KERNEL SHARE COMMAND...  the guest's output goes to stdout, and ends with "guest: exit N"
#
# QEMU boots Debian's kernel with its Video4Linux test driver (vivid) on this machine's own file system, read-only
# under a layer in memory, so that the command finds all that is installed here. SHARE is the one folder both
# machines write to, at the same path; KERNEL is the folder of the kernel.
# Needs qemu-system-x86, busybox-static, cpio, kmod, apt-get, an x86 machine; no root, no KVM, no network.
set -euo pipefail
task=$1 kernel=$(realpath -m "$2")
shift 2

if [ "$task" = fetch ]; then
    [ -e "$kernel/complete" ] && exit
    mkdir -p "$kernel" && cd "$kernel"
    package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
    [ -n "$package" ] || { echo "apt knows no linux-image-amd64" >&2; exit 3; }
    apt-get -qq download "$package"
    dpkg -x "$package"_*.deb . && rm "$package"_*.deb
    /sbin/depmod -b . "$(ls lib/modules)"
    touch complete
    exit
fi
share=$(realpath "$1")
shift
version=$(ls "$kernel/lib/modules")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/initrd
mkdir -p "$root"/{bin,proc,sys,dev,m,host,layer,new}
cp /bin/busybox "$root/bin/"
for module in virtio_pci 9p 9pnet_virtio overlay vivid uvcvideo vhci_hcd; do
    /sbin/modprobe -d "$kernel" -S "$version" --show-depends "$module" | awk '$1 == "insmod" {print $2}'
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$root/m/"
    basename "$file" >>"$root/m/order"
done
printf '%q ' "$@" >"$root/command"
echo "$share" >"$root/where"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc none /proc; $b mount -t sysfs none /sys; $b mount -t devtmpfs none /dev
while read -r m; do
    # Cameras only, no tuners; the webcam input (0) comes first.
    case $m in vivid.ko) $b insmod /m/$m n_devs=3 node_types=0x1,0x1,0x1 num_inputs=1,1,1 input_types=0,0,0;; *) $b insmod /m/$m;; esac
done </m/order
options=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o $options,cache=loose,ro root /host
$b mount -t tmpfs none /layer; $b mkdir /layer/up /layer/work
$b mount -t overlay -o lowerdir=/host,upperdir=/layer/up,workdir=/layer/work none /new
share=$($b cat /where)
$b mkdir -p "/new$share"
$b mount -t 9p -o $options share "/new$share"
for d in dev proc sys; do $b mount --move /$d /new/$d; done
$b mkdir -p /new/dev/shm; $b mount -t tmpfs none /new/dev/shm
$b ip link set lo up
{ echo 'export HOME=/root PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'; $b cat /command
  echo; echo 'echo "guest: exit $?"; sync; echo o >/proc/sysrq-trigger; while :; do :; done'; } >/new/run-guest
exec $b switch_root /new /bin/sh /run-guest
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$work/initrd.gz"

# A processor without AVX: emulated, it takes an encoder half as long again.
qemu-system-x86_64 -accel tcg,thread=multi -cpu Nehalem -smp 2 -m 1536 -display none -serial stdio -monitor none \
    -no-reboot -nic none -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initrd.gz" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on" \
    -fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap" \
    -device virtio-9p-pci,fsdev=root,mount_tag=root \
    -fsdev "local,id=share,path=$share,security_model=none" -device virtio-9p-pci,fsdev=share,mount_tag=share </dev/null
