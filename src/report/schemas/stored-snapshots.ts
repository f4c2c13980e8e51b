import * as v from 'valibot';

const stored = {
  blob: v.string(),
  url: v.string(),
  snapshot: v.string(),
  sizeBytes: v.number(),
  metadata: v.record(v.string(), v.string()),
  task: v.nullable(v.string()),
};

/** What `flashfreeze snapshots list --json` prints. */
export const snapshotListSchema = v.strictObject({ snapshots: v.array(v.strictObject(stored)) });

/** What `flashfreeze snapshots prune --json` prints. */
export const pruneReportSchema = v.strictObject({
  pruned: v.array(
    v.strictObject({ ...stored, deleted: v.boolean(), error: v.nullable(v.string()) }),
  ),
});

/** What `flashfreeze snapshots verify --json` prints. */
export const verifyReportSchema = v.strictObject({
  task: v.string(),
  verified: v.array(
    v.strictObject({
      blob: v.string(),
      snapshot: v.nullable(v.string()),
      problem: v.nullable(v.string()),
    }),
  ),
});
