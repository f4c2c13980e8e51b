import type { Scenario } from '../scenario.ts';
import { anatomy } from './anatomy.ts';
import { app } from './app.ts';
import { at } from './at.ts';
import { check } from './check.ts';
import { cores } from './cores.ts';
import { dirty } from './dirty.ts';
import { extension } from './extension.ts';
import { host } from './host.ts';
import { managed } from './managed.ts';
import { scale } from './scale.ts';
import { soak } from './soak.ts';
import { startup } from './startup.ts';
import { straggler } from './straggler.ts';
import { tails } from './tails.ts';
import { versus } from './versus.ts';
import { window } from './window.ts';

/** In the order of the help. */
export const SCENARIOS: readonly Scenario[] = [
  window,
  straggler,
  dirty,
  scale,
  startup,
  at,
  host,
  managed,
  extension,
  app,
  versus,
  anatomy,
  tails,
  cores,
  soak,
  check,
];
