import { open, readFile } from 'node:fs/promises';

/** Fields of the identify data of a controller (NVMe base specification, Identify Controller): the serial number stands before the model. */
const MODEL_BYTES = 40;
const SERIAL_BYTES = 20;
const QEMU_MODEL = Buffer.from('QEMU NVMe Ctrl'.padEnd(MODEL_BYTES));
/** The machine's own memory is larger than anything that holds identify data. */
const LARGEST_AREA = 256 * 2 ** 20;

/**
 * QEMU calls every NVMe controller "QEMU NVMe Ctrl" and has no option for it: in the memory of a QEMU whose machine is not
 * started yet, each controller gets the model that its serial number asks for. Throws if one is not found.
 */
export async function setNvmeModels(
  pid: number,
  models: ReadonlyMap<string, string>,
): Promise<void> {
  const left = new Map(models);
  await using memory = await open(`/proc/${pid}/mem`, 'r+');
  for (const { from, bytes } of writableAreas(await readFile(`/proc/${pid}/maps`, 'utf8'))) {
    const area = Buffer.alloc(bytes);
    try {
      await memory.read(area, 0, bytes, from);
    } catch {
      // A guard page, or a device's memory.
      continue;
    }
    for (let at = area.indexOf(QEMU_MODEL); at >= 0; at = area.indexOf(QEMU_MODEL, at + 1)) {
      const serial = area.toString('latin1', at - SERIAL_BYTES, at).trim();
      const model = models.get(serial);
      if (model !== undefined) {
        await memory.write(Buffer.from(model.padEnd(MODEL_BYTES)), 0, MODEL_BYTES, from + at);
        left.delete(serial);
      }
    }
  }
  if (left.size > 0) {
    throw new Error(`QEMU shows no NVMe controller with the serial number ${[...left.keys()]}`);
  }
}

/** Of /proc/<pid>/maps. Pure. */
export function writableAreas(maps: string): { readonly from: number; readonly bytes: number }[] {
  return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw\S* \S+ \S+ \S+ *(.*)$/gm)].flatMap(
    ([, first = '', end = '', path = '']) => {
      const from = Number.parseInt(first, 16);
      const bytes = Number.parseInt(end, 16) - from;
      return path.startsWith('[v') || bytes > LARGEST_AREA ? [] : [{ from, bytes }];
    },
  );
}
