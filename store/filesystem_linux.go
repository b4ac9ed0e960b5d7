package store

import (
	"syscall"
)

// filesystems maps the magic numbers of statfs(2). Write-ahead logging needs
// memory that all processes share, which only a local file system has
// (https://sqlite.org/wal.html). File systems that aren't listed as local get a
// rollback journal: NFS, SMB, FUSE, 9P, Ceph and any new one.
var filesystems = map[int64]filesystem{
	0xef53:     {name: "ext4", local: true},
	0x58465342: {name: "xfs", local: true},
	0x9123683e: {name: "btrfs", local: true},
	0x2fc12fc1: {name: "zfs", local: true},
	0xf2f52010: {name: "f2fs", local: true},
	0xca451a4e: {name: "bcachefs", local: true},
	0x794c7630: {name: "overlay", local: true, volatile: "a container's own layer"},
	0x01021994: {name: "tmpfs", local: true, volatile: "memory"},
	0x858458f6: {name: "ramfs", local: true, volatile: "memory"},
}

// filesystemOf returns the description of the file system that holds path,
// which must exist.
func filesystemOf(path string) filesystem {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return filesystem{}
	}
	return filesystems[int64(stat.Type)&0xffffffff] // signed and 32 bits wide on some machines
}
