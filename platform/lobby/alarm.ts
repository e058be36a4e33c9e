/** Wakes a loop that looks for work from time to time, when there may be some. One loop waits at it. */
export class Alarm {
  private rung = false;
  private wake: () => void = () => undefined;

  ring(): void {
    this.rung = true;
    this.wake();
  }

  /** Resolves when it rings or has rung since the last wait, after `ms`, or when `stopping` is aborted. */
  async wait(ms: number, stopping: AbortSignal): Promise<void> {
    if (!this.rung && !stopping.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
        stopping.addEventListener('abort', this.wake, { once: true });
      });
      stopping.removeEventListener('abort', this.wake);
    }
    this.rung = false;
  }
}
