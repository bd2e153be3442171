/** Short words about what was just done. They go by themselves, and are read out. */

export interface Toast {
  id: number;
  text: string;
  href: string | null;
}

class Toasts {
  all = $state.raw<Toast[]>([]);
  #next = 1;

  say(text: string, href: string | null = null): void {
    const toast = { id: this.#next++, text, href };
    this.all = [...this.all.slice(-2), toast];
    setTimeout(() => this.drop(toast.id), 8000);
  }

  drop(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
