/** The server's clock as its JSON shows it: seven fraction digits and an offset. */
export class ServerClock {
  readonly #skewMs: number;
  readonly #offset: string;

  /** @param offset such as `+00:00` or `-04:00` */
  constructor(skewMs: number, offset: string) {
    this.#skewMs = skewMs;
    this.#offset = offset;
  }

  /** @param afterMs counted from now */
  now(afterMs = 0): string {
    const micros = Math.round(
      (performance.timeOrigin + performance.now() + this.#skewMs + afterMs) * 1000,
    );
    return render(micros, this.#offset);
  }
}

export function render(epochMicros: number, offset: string): string {
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [];
  const shiftMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const wholeMs = Math.floor(epochMicros / 1000);
  const local = new Date(wholeMs + shiftMinutes * 60_000).toISOString().slice(0, 23);
  return `${local}${String(epochMicros % 1000).padStart(3, '0')}0${offset}`;
}
