/** Which page is shown: the address says it, so that every view can be linked, and the browser's own buttons work. */

interface Place {
  path: string;
  query: URLSearchParams;
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

class Router {
  place = $state.raw<Place>(here());

  constructor() {
    addEventListener('popstate', () => (this.place = here()));
  }

  go(href: string, how: { replace?: boolean } = {}): void {
    const target = new URL(href, location.href);
    if (target.href === location.href) return;
    if (how.replace) history.replaceState(null, '', target);
    else history.pushState(null, '', target);
    const isOther = target.pathname !== this.place.path;
    this.place = here();
    if (isOther && !how.replace) scrollTo(0, 0);
  }

  /** Changes parameters of the address; empty ones are left out. */
  setQuery(changes: Record<string, string | string[] | null>, replace = true): void {
    const query = new URLSearchParams(this.place.query);
    for (const [name, value] of Object.entries(changes)) {
      query.delete(name);
      for (const one of Array.isArray(value) ? value : [value]) if (one !== null && one !== '') query.append(name, one);
    }
    const text = query.toString();
    this.go(this.place.path + (text === '' ? '' : `?${text}`), { replace });
  }
}

export const router = new Router();

/** Links of this page lead to views of it, unless somebody wants them in another tab. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (/^\/(api|health|schemas|metrics|openapi)/.test(link.pathname)) return;
  event.preventDefault();
  router.go(link.href);
}

/** Where things are. */
export const to = {
  execution: (id: string) => `/executions/${encodeURIComponent(id)}`,
  workflow: (name: string, source?: string) => `/workflows/${encodeURIComponent(name)}${source ? `?source=${encodeURIComponent(source)}` : ''}`,
  schedule: (name: string, source?: string) => `/schedules/${encodeURIComponent(name)}${source ? `?source=${encodeURIComponent(source)}` : ''}`,
  agent: (name: string) => `/agents/${encodeURIComponent(name)}`,
  sync: (id: string) => `/syncs/${encodeURIComponent(id)}`,
  prompt: (id: string) => `/prompts/${encodeURIComponent(id)}`,
  history: (filter: Record<string, string>) => `/executions?${new URLSearchParams(filter).toString()}`,
  compare: (a: string, b: string) => `/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`,
};
