import * as v from 'valibot';

const span = v.tuple([v.number(), v.number()]);

/** `Timeline` of timeline.ts. */
export const timelineSchema = v.strictObject({
  startedAt: v.string(),
  endMs: v.number(),
  /** Missing in what older versions have kept. */
  scheduled: v.optional(
    v.nullable(v.strictObject({ at: v.string(), lateMs: v.nullable(v.number()) })),
    null,
  ),
  phases: v.array(v.strictObject({ name: v.string(), span })),
  barrierMs: v.nullable(v.number()),
  fileSystems: v.array(
    v.strictObject({
      mountPoint: v.string(),
      type: v.string(),
      disks: v.array(v.string()),
      settle: v.nullable(span),
      freezes: v.array(
        v.strictObject({
          startMs: v.number(),
          frozenMs: v.nullable(v.number()),
          thaw: v.nullable(span),
          error: v.nullable(v.string()),
        }),
      ),
    }),
  ),
  disks: v.array(
    v.strictObject({
      device: v.nullable(v.string()),
      blob: v.string(),
      request: v.nullable(span),
      attempts: v.number(),
      consistent: v.boolean(),
      error: v.nullable(v.string()),
    }),
  ),
});
