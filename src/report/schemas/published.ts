import doctor from './json/doctor.schema.json' with { type: 'json' };
import freeze from './json/freeze.schema.json' with { type: 'json' };
import manifest from './json/manifest.schema.json' with { type: 'json' };
import plan from './json/plan.schema.json' with { type: 'json' };
import refusal from './json/refusal.schema.json' with { type: 'json' };
import reportList from './json/report-list.schema.json' with { type: 'json' };
import restore from './json/restore.schema.json' with { type: 'json' };
import run from './json/run.schema.json' with { type: 'json' };
import snapshot from './json/snapshot.schema.json' with { type: 'json' };
import list from './json/snapshots-list.schema.json' with { type: 'json' };
import prune from './json/snapshots-prune.schema.json' with { type: 'json' };
import verify from './json/snapshots-verify.schema.json' with { type: 'json' };
import deep from './json/snapshots-verify-deep.schema.json' with { type: 'json' };
import status from './json/status.schema.json' with { type: 'json' };

/**
 * The JSON schemas of the outputs, generated (`node test/report/json-schemas.ts`). `run` describes the file that a
 * run leaves in the log folder, `manifest` what it stores beside the snapshots, the others describe the output of a command with --json.
 */
export const JSON_SCHEMAS = {
  snapshot,
  freeze,
  plan,
  doctor,
  run,
  refusal,
  status,
  'report-list': reportList,
  manifest,
  'snapshots-list': list,
  'snapshots-verify': verify,
  'snapshots-verify-deep': deep,
  'snapshots-prune': prune,
  restore,
} as const satisfies Readonly<Record<string, object>>;
