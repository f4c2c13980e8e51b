import { failed, ok, warning } from './check.ts';
import type { Check, QuiesceFacts } from './doctor-types.ts';
import { listedBriefly } from './folded.ts';

const OTHERS_MAY_CHANGE =
  'give the file and every folder above it to root (chown root), and the right to write to no other user';
/** By result code, for what the message does not say itself. */
const REMEDIES: Readonly<Partial<Record<number, string>>> = {
  302: 'put the script there, or correct preScriptLocation in the file that is named',
  303: 'put the script there, or correct postScriptLocation in the file that is named',
  306: OTHERS_MAY_CHANGE,
  307: OTHERS_MAY_CHANGE,
};

/** Whether the scripts and files that quiesce applications can be used. Pure. */
export function checkQuiesce({ scripts, findings, remarks }: QuiesceFacts): Check[] {
  const sound = `${scripts.length} scripts can be run: `;
  const isSound = scripts.length > 0 && findings.length === 0 && remarks.length === 0;
  return [
    ...findings.map(({ code, message, tolerated }) => {
      const told = `${message} (code ${code})`;
      const remedy = REMEDIES[code] ?? 'correct the file that is named';
      return tolerated
        ? warning('quiesce', `${told}; a run goes on without quiescing the application`, remedy)
        : failed('quiesce', `${told}; a run takes no snapshot then`, remedy);
    }),
    ...remarks.map((it) => warning('quiesce', it, 'correct the script that is named')),
    ...(isSound ? [ok('quiesce', sound + scripts.join(', '), sound + listedBriefly(scripts))] : []),
  ];
}
