import * as v from 'valibot';
import { applicationSummarySchema, fileSystemSummarySchema, windowSchema } from './run-summary.ts';

/** `FreezeSummary` of freeze-summary.ts: what `flashfreeze freeze --json` prints. */
export const freezeSummarySchema = v.strictObject({
  held: v.boolean(),
  barrier: v.nullable(v.string()),
  windowMs: windowSchema,
  command: v.strictObject({
    program: v.string(),
    started: v.boolean(),
    exitCode: v.nullable(v.number()),
    signal: v.nullable(v.string()),
    durationMs: v.nullable(v.number()),
    stdout: v.string(),
    stderr: v.string(),
    lostBytes: v.number(),
  }),
  fileSystems: v.array(fileSystemSummarySchema),
  freezeAttempts: v.number(),
  application: v.nullable(applicationSummarySchema),
  phasesMs: v.record(v.string(), v.number()),
  problems: v.array(v.string()),
  warnings: v.array(v.string()),
});
