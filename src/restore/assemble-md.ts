import { slice, striped } from './mapped-read.ts';
import type { MdPart } from './volume-types.ts';
import type { Assembled, FoundPart, Volume } from './volumes.ts';

/** md itself takes a member whose events are one behind, and no further one (`super_1_validate` in drivers/md/md.c). */
const TOLERATED_EVENTS = 1n;

type Member = FoundPart & { readonly part: MdPart };

const LEVELS: Readonly<Record<number, string>> = { [-1]: 'linear' };

/** Puts the members of md arrays together, as far as they can be read. Pure. */
export function assembleArrays(parts: readonly FoundPart[], mayHide: boolean): Assembled {
  const members = parts.filter((it): it is Member => it.part.kind === 'md');
  const arrays = [...Map.groupBy(members, ({ part }) => part.arrayUuid).values()];
  const assembled = arrays.map((each) => assembleArray(each, mayHide));
  return {
    volumes: assembled.flatMap(({ volumes }) => volumes),
    problems: assembled.flatMap(({ problems }) => problems),
  };
}

function assembleArray(members: readonly Member[], mayHide: boolean): Assembled {
  const [newest] = members.toSorted((a, b) => Number(b.part.events - a.part.events));
  if (newest === undefined) {
    return { volumes: [], problems: [] };
  }
  const name = `md array ${newest.part.name}`;
  const behind = members.filter((it) => isBehind(it, newest));
  const current = members.filter((it) => !behind.includes(it) && it.part.role !== undefined);
  const roles = new Set(current.map(({ part }) => part.role));
  const missing = newest.part.activeRoles.filter((role) => !roles.has(role));
  return {
    volumes: volumesOf(name, newest.part, current),
    problems: [
      ...behind.map(({ disks, where, part }) => ({
        disks,
        text: `${where}: member of ${name} with event count ${part.events}, that on disk ${newest.disks.join(', ')} has ${newest.part.events}: it had fallen out of the array, or shows another instant`,
      })),
      ...(missing.length === 0 || mayHide
        ? []
        : [
            {
              disks: [...new Set(current.flatMap(({ disks }) => disks))],
              text: `${name}: of its ${newest.part.memberCount} members, ${missing.length === 1 ? 'number' : 'numbers'} ${missing.join(', ')} (from 0) ${missing.length === 1 ? 'is' : 'are'} on no disk that was read`,
            },
          ]),
    ],
  };
}

function isBehind({ part }: Member, newest: Member): boolean {
  return part.events + TOLERATED_EVENTS < newest.part.events;
}

function volumesOf(name: string, array: MdPart, current: readonly Member[]): Volume[] {
  const disks = [...new Set(current.flatMap((it) => it.disks))];
  const unread = (why: string): Volume[] => [
    {
      name,
      disks,
      sizeBytes: 0,
      read: undefined,
      why: `${why}; what lies in it was not looked into`,
    },
  ];
  if (array.isReshaping) {
    return unread('its shape was being changed');
  }
  switch (array.level) {
    case 1:
      // Each mirror has all of it.
      return current.map((it) => ({
        name: `${name}, mirror ${it.part.role}`,
        disks: it.disks,
        sizeBytes: it.part.dataBytes,
        read: slice(it.read, it.part.dataOffset, it.part.dataBytes),
      }));
    case 0:
      return (
        stripeSet(name, array, current) ?? unread('its members differ in size, or one is missing')
      );
    default:
      return unread(`md array of level ${LEVELS[array.level] ?? array.level}`);
  }
}

/** Undefined unless all members are there and equally long: else the layout depends on the kernel that made it. */
function stripeSet(
  name: string,
  { memberCount, chunkBytes }: MdPart,
  current: readonly Member[],
): Volume[] | undefined {
  const byRole = new Map(current.map((it) => [it.part.role, it] as const));
  const inOrder = Array.from({ length: memberCount }, (_, role) => byRole.get(role) ?? []).flat();
  const lengths = new Set(
    inOrder.map(({ part }) => part.dataBytes - (part.dataBytes % Math.max(1, chunkBytes))),
  );
  const [length] = lengths;
  if (
    inOrder.length < memberCount ||
    lengths.size !== 1 ||
    length === undefined ||
    chunkBytes === 0
  ) {
    return undefined;
  }
  const stripes = inOrder.map(({ read, part }) => slice(read, part.dataOffset, length));
  const sizeBytes = length * memberCount;
  return [
    {
      name,
      disks: [...new Set(inOrder.flatMap(({ disks }) => disks))],
      sizeBytes,
      read: striped(stripes, chunkBytes, sizeBytes),
    },
  ];
}
