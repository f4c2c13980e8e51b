import * as v from 'valibot';

const status = v.picklist(['ok', 'warning', 'failed']);

/** `DoctorReport` of doctor/model.ts: what `flashfreeze doctor --json` prints. */
export const doctorReportSchema = v.strictObject({
  status,
  checks: v.array(
    v.strictObject({
      id: v.string(),
      status,
      finding: v.string(),
      remedy: v.nullable(v.string()),
    }),
  ),
});
