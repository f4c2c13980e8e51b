import * as v from 'valibot';

/** `PlanSummary` of plan-summary.ts: what `flashfreeze plan --json` prints. */
export const planSummarySchema = v.strictObject({
  fileSystems: v.array(
    v.strictObject({
      mountPoint: v.string(),
      type: v.string(),
      source: v.string(),
      disks: v.array(v.string()),
      wave: v.number(),
      thawsAfter: v.array(v.string()),
      usedBytes: v.nullable(v.number()),
    }),
  ),
  disks: v.array(
    v.strictObject({
      device: v.string(),
      lun: v.nullable(v.number()),
      role: v.nullable(v.string()),
      sizeBytes: v.number(),
      dirtyBytes: v.nullable(v.number()),
      frozen: v.boolean(),
    }),
  ),
  excluded: v.array(
    v.strictObject({
      mountPoint: v.string(),
      type: v.string(),
      reason: v.picklist([
        'read-only',
        'network',
        'pseudo',
        'temporary-disk',
        'skipped',
        'not-selected',
        'not-freezable',
        'no-block-device',
        'hidden',
        'other-namespace',
        'no-answer',
      ]),
      because: v.string(),
    }),
  ),
  blobs: v.array(
    v.strictObject({ blob: v.string(), device: v.nullable(v.string()), because: v.string() }),
  ),
  dirtyBytes: v.nullable(v.number()),
  expectedWindow: v.strictObject({
    low: v.number(),
    high: v.number(),
    reasons: v.array(v.string()),
  }),
  warnings: v.array(v.string()),
});
