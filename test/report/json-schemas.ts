/**
 * The JSON schema of every JSON output, made of the valibot schema that the outputs are checked with.
 * Run as a program it writes them to src/report/schemas/json.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { doctorReportSchema } from '../../src/report/schemas/doctor-report.ts';
import { freezeSummarySchema } from '../../src/report/schemas/freeze-summary.ts';
import { manifestSchema } from '../../src/report/schemas/manifest.ts';
import { planSummarySchema } from '../../src/report/schemas/plan-summary.ts';
import { refusalSchema } from '../../src/report/schemas/refusal.ts';
import { restoreReportSchema } from '../../src/report/schemas/restore-report.ts';
import { runFileSchema } from '../../src/report/schemas/run-file.ts';
import { runListSchema } from '../../src/report/schemas/run-list.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import { statusReportSchema } from '../../src/report/schemas/status-report.ts';
import {
  deepReportSchema,
  pruneReportSchema,
  snapshotListSchema,
  verifyReportSchema,
} from '../../src/report/schemas/stored-snapshots.ts';

export const SCHEMAS: Readonly<Record<string, v.GenericSchema>> = {
  snapshot: runSummarySchema,
  freeze: freezeSummarySchema,
  plan: planSummarySchema,
  doctor: doctorReportSchema,
  run: runFileSchema,
  refusal: refusalSchema,
  status: statusReportSchema,
  'report-list': runListSchema,
  manifest: manifestSchema,
  'snapshots-list': snapshotListSchema,
  'snapshots-verify': verifyReportSchema,
  'snapshots-verify-deep': deepReportSchema,
  'snapshots-prune': pruneReportSchema,
  restore: restoreReportSchema,
};

export const SCHEMA_DIRECTORY = join(import.meta.dirname, '../../src/report/schemas/json');

/** As it is kept in the repository. */
export function jsonSchemaText(name: string, schema: v.GenericSchema): string {
  const title = `flashfreeze ${name.replace('-', ' ')}`;
  // A check and a conversion have no counterpart; what they start from is described.
  const body = toJsonSchema(schema, { errorMode: 'ignore', typeMode: 'input' });
  return `${JSON.stringify({ ...body, title }, null, 2)}\n`;
}

if (import.meta.main) {
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    writeFileSync(join(SCHEMA_DIRECTORY, `${name}.schema.json`), jsonSchemaText(name, schema));
  }
}
