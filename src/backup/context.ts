/**
 * Passes events on to whoever listens at the time: a freezer and its lanes are opened once and
 * outlive the phases that hear them.
 */
export class Relay<Event> {
  #listener: ((event: Event) => void) | undefined;

  tell(event: Event): void {
    this.#listener?.(event);
  }

  /** Replaces the listener until disposed. */
  listen(listener: (event: Event) => void): Disposable {
    this.#listener = listener;
    return {
      [Symbol.dispose]: () => {
        if (this.#listener === listener) {
          this.#listener = undefined;
        }
      },
    };
  }
}
