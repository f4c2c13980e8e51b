/** What the machine's own tools say of what lies under what. Pure. */

interface BlockNode {
  readonly name: string;
  readonly kname: string;
  readonly mountpoints?: readonly (string | null)[];
  readonly children?: readonly BlockNode[];
}

export interface Lsblk {
  readonly blockdevices: readonly BlockNode[];
}

export interface LogicalVolume {
  readonly vg_name: string;
  readonly lv_name: string;
  /** `/dev/ubdc(0),stripe_rimage_1(0)` */
  readonly devices: string;
  /** Of a pool. */
  readonly metadata_lv: string;
  readonly pool_lv: string;
  readonly origin: string;
}

export interface Lvs {
  readonly report: readonly { readonly lv: readonly LogicalVolume[] }[];
}

export interface Truth {
  readonly lsblk: Lsblk;
  readonly lvs: Lvs;
  /** `mdadm --detail --export` of each array, by its kernel name. */
  readonly md: Readonly<Record<string, string>>;
}

function* nodes(roots: readonly BlockNode[]): Generator<BlockNode> {
  for (const root of roots) {
    yield root;
    yield* nodes(root.children ?? []);
  }
}

/** Of `lsblk --inverse`, where the children are what lies below. */
function leaves(node: BlockNode): string[] {
  const below = node.children ?? [];
  return below.length === 0 ? [node.kname] : below.flatMap(leaves);
}

/** By lsblk: the disks under what is mounted there; none if lsblk shows nothing mounted there. */
export function disksUnderMount({ blockdevices }: Lsblk, at: string): ReadonlySet<string> {
  const mounted = [...nodes(blockdevices)].filter(({ mountpoints }) => mountpoints?.includes(at));
  return new Set(mounted.flatMap(leaves));
}

function disksUnderDevice({ lsblk, md }: Truth, path: string): string[] {
  const name = path.replace(/^\/dev\/(mapper\/)?/, '');
  const node = [...nodes(lsblk.blockdevices)].find((it) => it.name === name || it.kname === name);
  const members =
    md[node?.kname ?? name] === undefined ? [] : membersOf(md[node?.kname ?? name] ?? '');
  if (members.length > 0) {
    return members.flatMap((member) =>
      disksUnderDevice({ lsblk, md, lvs: { report: [] } }, member),
    );
  }
  return node === undefined ? [name] : leaves(node);
}

/** `MD_DEVICE_dev_ubdb_DEV=/dev/ubdb` */
function membersOf(exported: string): string[] {
  return [...exported.matchAll(/^MD_DEVICE_\w+_DEV=(.*)$/gm)].map(([, path = '']) => path);
}

/** By mdadm: the disks under an array of that kernel name. */
export function disksUnderArray(truth: Truth, kname: string): ReadonlySet<string> {
  return new Set(disksUnderDevice(truth, `/dev/${kname}`));
}

/** By lvs: the disks under a volume, those of its pool and of its origin included. */
export function disksUnderVolume(truth: Truth, vg: string, lv: string): ReadonlySet<string> {
  const volumes = truth.lvs.report.flatMap((it) => it.lv).filter(({ vg_name }) => vg_name === vg);
  // A volume with several segments has a line for each of them.
  const partsOf = (name: string): string[] =>
    volumes.filter(({ lv_name }) => bare(lv_name) === name).flatMap(partsOfLine);
  const found = new Set<string>();
  const seen = new Set<string>();
  const waiting = [lv];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    seen.add(next);
    const parts = partsOf(next);
    for (const path of parts.filter((part) => part.startsWith('/dev/'))) {
      for (const disk of disksUnderDevice(truth, path)) {
        found.add(disk);
      }
    }
    waiting.push(...parts.filter((part) => !part.startsWith('/dev/') && !seen.has(part)));
  }
  return found;
}

/** Paths of physical volumes and names of other volumes. */
function partsOfLine({ devices, metadata_lv, pool_lv, origin }: LogicalVolume): string[] {
  const parts = [...devices.split(','), metadata_lv, pool_lv, origin];
  return parts.map((part) => bare(part).replace(/\(\d+\)$/, '')).filter((part) => part !== '');
}

/** `[pool_tdata]`: brackets mark volumes that are not meant to be seen. */
function bare(name: string): string {
  return name.trim().replace(/^\[(.*)\]/, '$1');
}
