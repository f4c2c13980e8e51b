import * as v from 'valibot';
import { RESULTS, type ResultCode } from '../../result-codes.ts';

const resultCode = v.pipe(
  v.number(),
  v.check((code) => Object.hasOwn(RESULTS, code), 'not a result code'),
  v.transform((code) => code as ResultCode),
);
const milliseconds = v.number();

export const windowSchema = v.strictObject({ max: milliseconds, mean: milliseconds });

export const fileSystemSummarySchema = v.strictObject({
  mountPoint: v.string(),
  type: v.string(),
  disks: v.array(v.string()),
  freezeMs: v.nullable(milliseconds),
  windowMs: v.nullable(milliseconds),
});

export const applicationSummarySchema = v.strictObject({
  name: v.string(),
  heldMs: v.nullable(milliseconds),
  findings: v.array(v.strictObject({ code: resultCode, message: v.string() })),
});

/** `RunSummary` of summary.ts: what `flashfreeze snapshot --json` prints. */
export const runSummarySchema = v.strictObject({
  consistency: v.picklist([
    'none',
    'crashConsistent',
    'fileSystemConsistent',
    'applicationConsistent',
  ]),
  code: resultCode,
  name: v.string(),
  restorable: v.boolean(),
  barrier: v.nullable(v.string()),
  windowMs: windowSchema,
  fileSystems: v.array(fileSystemSummarySchema),
  disks: v.array(
    v.strictObject({
      device: v.nullable(v.string()),
      blob: v.string(),
      snapshot: v.nullable(v.string()),
      httpStatus: v.nullable(v.number()),
      requestId: v.nullable(v.string()),
      attempts: v.number(),
      latencyMs: v.nullable(milliseconds),
      showsInstant: v.boolean(),
      writes: v.picklist(['unchanged', 'changed', 'unknown']),
      error: v.nullable(v.string()),
    }),
  ),
  freezeAttempts: v.number(),
  orphans: v.array(
    v.strictObject({
      blob: v.string(),
      snapshot: v.string(),
      deleted: v.boolean(),
      error: v.nullable(v.string()),
    }),
  ),
  application: v.nullable(applicationSummarySchema),
  phasesMs: v.record(v.string(), milliseconds),
  problems: v.array(v.string()),
  warnings: v.array(v.string()),
});
