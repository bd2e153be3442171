/** What this browser remembers of its reader: how it looks, and what it may do unasked. Nothing secret. */

type Theme = 'system' | 'dark' | 'light';
const KEY = 'pulse-settings';

interface Kept {
  theme: Theme;
  shortcuts: boolean;
  notify: boolean;
}

function kept(): Kept {
  const fresh: Kept = { theme: 'system', shortcuts: true, notify: false };
  try {
    return { ...fresh, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Kept>) };
  } catch {
    return fresh;
  }
}

class Settings {
  #kept = $state<Kept>(kept());

  get theme(): Theme {
    return this.#kept.theme;
  }
  get shortcuts(): boolean {
    return this.#kept.shortcuts;
  }
  get notify(): boolean {
    return this.#kept.notify;
  }

  change(changes: Partial<Kept>): void {
    Object.assign(this.#kept, changes);
    localStorage.setItem(KEY, JSON.stringify(this.#kept));
    this.apply();
  }

  apply(): void {
    const root = document.documentElement;
    if (this.#kept.theme === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = this.#kept.theme;
  }

  nextTheme(): void {
    const order: Theme[] = ['system', 'dark', 'light'];
    this.change({ theme: order[(order.indexOf(this.theme) + 1) % order.length] ?? 'system' });
  }
}

export const settings = new Settings();
