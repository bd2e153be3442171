/** The time, once a second, for everything on the screen that counts. It stands still while nobody looks. */
import { clockSkew } from '../api/http';

class Clock {
  /** Milliseconds, by the controller's clock. */
  now = $state(Date.now());

  constructor() {
    setInterval(() => document.visibilityState === 'visible' && this.tick(), 1000);
    document.addEventListener('visibilitychange', () => this.tick());
  }

  tick(): void {
    this.now = Date.now() + clockSkew();
  }
}

export const clock = new Clock();
