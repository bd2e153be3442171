/** Commits, and where they and their files can be seen. */
import type { Source } from '../api/types';

export function short(commit: string | null | undefined): string {
  if (!commit) return '–';
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit.slice(0, 10) : commit;
}

/** The repository's page in Gitea, or in whatever forge has the same addresses; `null` for a folder or what is no web address. */
export function webOf(source: Source | undefined): string | null {
  if (!source || source.kind !== 'git') return null;
  const ssh = /^(?:ssh:\/\/)?(?:[^@/]+@)([^:/]+)(?::\d+)?[:/](.+)$/.exec(source.url);
  const base = ssh ? `https://${ssh[1]}/${ssh[2]}` : source.url;
  if (!/^https?:\/\//.test(base)) return null;
  return base.replace(/\.git$/, '').replace(/\/$/, '');
}

const encoded = (path: string) => path.split('/').map(encodeURIComponent).join('/');

export function commitUrl(source: Source | undefined, commit: string | null | undefined): string | null {
  const web = webOf(source);
  return web && commit ? `${web}/commit/${encodeURIComponent(commit)}` : null;
}

export function fileUrl(source: Source | undefined, commit: string | null | undefined, path: string, line?: number): string | null {
  const web = webOf(source);
  if (!web || !commit) return null;
  return `${web}/src/commit/${encodeURIComponent(commit)}/${encoded(path)}${line ? `#L${line}` : ''}`;
}
