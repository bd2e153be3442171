// A real OpenID provider on a free port of loopback. Whoever comes to sign in is the account that was last named by `POST /as/NAME`.
// Usage: node issuer.mjs REDIRECT_URI; it prints its URL.
import http from 'node:http';
import Provider from 'oidc-provider';

const [redirect] = process.argv.slice(2);
const accounts = {
  anna: { preferred_username: 'anna', name: 'Anna Müller', email: 'anna@example.org', groups: ['employee', 'dba'] },
  boss: { preferred_username: 'boss', name: 'The Boss', groups: ['admin'] },
  guest: { preferred_username: 'guest', groups: ['accounting'] },
  twin: { preferred_username: 'anna', groups: ['admin'] },
};
let current = 'anna';

const server = http.createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const url = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(url, {
  clients: [{
    client_id: 'pulse',
    client_secret: 'a-secret-of-the-tests',
    redirect_uris: [redirect],
    post_logout_redirect_uris: [redirect.replace('/auth/oidc/callback', '/')],
    // As the specification says, and as Authelia and Keycloak do unless told otherwise.
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email'], groups: ['groups'] },
  // Claims of scopes come by userinfo only, as the specification has it.
  conformIdTokenClaims: true,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
});

// What a page with a form would do.
async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: current } });
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

const callback = provider.callback();
server.on('request', (request, response) => {
  const as = request.url.match(/^\/as\/(\w+)$/);
  if (as) {
    current = as[1];
    return response.end();
  }
  if (request.url.startsWith('/interaction/')) return interact(request, response);
  return callback(request, response);
});
console.log(url);
