/** What can be said of a file system by its type alone. */
export type TypeNature = 'freezable' | 'network' | 'pseudo' | 'memory' | 'served' | 'other';

const NATURES: Record<Exclude<TypeNature, 'served' | 'other'>, readonly string[]> = {
  freezable: ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'nilfs2'],
  network: [
    ...['nfs', 'nfs3', 'nfs4', 'cifs', 'smb', 'smb2', 'smb3', 'smbfs', 'ceph', 'ncpfs', 'ncp'],
    ...['9p', 'afs', 'coda', 'glusterfs', 'lustre', 'beegfs', 'gpfs', 'orangefs', 'pvfs2', 'acfs'],
    ...['vboxsf', 'virtiofs'],
  ],
  memory: ['tmpfs', 'ramfs', 'devtmpfs', 'hugetlbfs'],
  pseudo: [
    ...[
      'autofs',
      'bdev',
      'binder',
      'binfmt_misc',
      'bpf',
      'cgroup',
      'cgroup2',
      'configfs',
      'cpuset',
    ],
    ...['debugfs', 'devpts', 'dmabuf', 'efivarfs', 'fusectl', 'mqueue', 'nfsd', 'nsfs', 'pipefs'],
    ...['proc', 'pstore', 'resctrl', 'rootfs', 'rpc_pipefs', 'securityfs', 'selinuxfs', 'smackfs'],
    ...['sockfs', 'spufs', 'sysfs', 'tracefs', 'xenfs'],
  ],
};

const NATURE_OF_TYPE: ReadonlyMap<string, TypeNature> = new Map(
  (Object.keys(NATURES) as (keyof typeof NATURES)[]).flatMap((nature) =>
    NATURES[nature].map((type) => [type, nature] as const),
  ),
);

/** `ext2, ext3, … and jfs`, for messages. */
export const FREEZABLE_TYPES = NATURES.freezable.join(', ').replace(/, (?=[^,]*$)/, ' and ');

/**
 * Freezable: what FIFREEZE is known to work on (freeze-facts.md, Answers) and to be tested: those after btrfs by
 * `npm run machines`, because the kernels that the tests run on lack them. Not jfs: frozen on Linux 6.1,
 * it was marked clean and fsck.jfs found it dirty.
 * Served: a FUSE daemon answers for it (`fuse`, `fuseblk`, `fuse.sshfs`).
 * Other: everything else, overlay, squashfs, vfat and unknown types.
 */
export function natureOfType(type: string): TypeNature {
  if (type === 'fuseblk' || type === 'fuse' || type.startsWith('fuse.')) {
    return 'served';
  }
  return NATURE_OF_TYPE.get(type) ?? 'other';
}

const STACKED: ReadonlySet<string> = new Set(['overlay', 'squashfs', 'erofs', 'iso9660']);

/** What it shows lies on file systems of their own, or cannot change. */
export function isStacked(type: string): boolean {
  return STACKED.has(type);
}
