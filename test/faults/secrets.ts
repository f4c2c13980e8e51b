import * as assert from 'uvu/assert';

/** Fails where the signature of one of these SAS URLs got out, encoded or not. */
export function assertNoSecret(text: string, urls: readonly string[]): void {
  for (const url of urls) {
    const signature = new URL(url).searchParams.get('sig') ?? '';
    assert.ok(signature.length > 20, 'no signature to look for');
    for (const secret of [signature, encodeURIComponent(signature)]) {
      assert.not.ok(text.includes(secret), 'a SAS signature got out');
    }
  }
}
