/** Who is signed in, and what they may do. The session is a cookie that no script can read. */
import { session as requests } from './api';
import { onSignedOut, setCsrf } from './http';
import { asRefusal, type Refusal } from './refusal';
import type { Principal, Provider, Session, Verb } from './types';

export type Standing =
  | { is: 'asking' }
  | { is: 'out'; providers: Provider[]; message: string | null }
  | { is: 'in'; principal: Principal; rights: Verb[]; signOutUrl: string | null }
  /** Nobody can say: the controller does not answer, or cannot serve yet. */
  | { is: 'away'; refusal: Refusal };

class Who {
  standing = $state.raw<Standing>({ is: 'asking' });

  constructor() {
    onSignedOut(() => {
      if (this.standing.is === 'in') void this.look('Your session is over: sign in again to go on where you were.');
    });
  }

  get name(): string {
    return this.standing.is === 'in' ? this.standing.principal.name : '';
  }

  /** Name, what people call them, and roles. */
  get described(): string {
    if (this.standing.is !== 'in') return '';
    const { name, displayName, roles } = this.standing.principal;
    return `${name}${displayName ? ` (${displayName})` : ''}, ${roles.length > 0 ? roles.join(' and ') : 'without a role'}`;
  }

  can(verb: Verb): boolean {
    return this.standing.is === 'in' && this.standing.rights.includes(verb);
  }

  /** Asks the controller who we are. */
  async look(message: string | null = null): Promise<void> {
    try {
      this.#enter(await requests.read());
    } catch (thrown) {
      const refusal = asRefusal(thrown);
      this.standing = refusal.status === 401 ? { is: 'out', providers: providersOf(refusal), message } : { is: 'away', refusal };
    }
  }

  /** Signs in with a token; throws the refusal where it is not valid. */
  async signIn(token: string): Promise<void> {
    await requests.open(token);
    await this.look();
  }

  /** Whether signing out here means anything: whom a proxy names is named again with the next request. */
  get canSignOut(): boolean {
    return this.standing.is === 'in' && this.standing.principal.means !== 'proxy';
  }

  /** Ends the session, and the one at the identity provider where it began there. */
  async signOut(): Promise<void> {
    const there = this.standing.is === 'in' ? this.standing.signOutUrl : null;
    await requests.close();
    if (there) location.assign(there);
    else await this.look('You are signed out.');
  }

  #enter(session: Session): void {
    setCsrf(session.csrf ?? '');
    const provider = session.principal.means === 'oidc' ? session.providers.find((one) => one.kind === 'oidc') : undefined;
    const signOutUrl = provider?.signOutUrl && /^https?:\/\//.test(provider.signOutUrl) ? provider.signOutUrl : null;
    this.standing = { is: 'in', principal: session.principal, rights: session.rights, signOutUrl };
  }
}

const providersOf = (refusal: Refusal): Provider[] => (Array.isArray(refusal.fields['providers']) ? (refusal.fields['providers'] as Provider[]) : []);

export const who = new Who();
