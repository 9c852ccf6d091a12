// A real OpenID provider (the certified `oidc-provider`) on this machine, for the end-to-end tests.
//
//   node oidc_provider.mjs PROVIDER PORT REDIRECT_URI PEOPLE KEY
//
// PROVIDER is the module's file, PEOPLE a JSON object of claims by subject, KEY the id of the key that it makes. It writes one line once it
// listens. Whoever types a subject at its log-in page is that person; it knows no passwords.

import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [module, port, redirect, people, kid] = process.argv.slice(2)
const { Provider } = await import(pathToFileURL(module))
const known = JSON.parse(readFileSync(people))
const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'cameo',
    client_secret: 'the secret of the console',
    redirect_uris: [redirect],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }],
  jwks: { keys: [{ ...key, use: 'sig', kid, alg: 'RS256' }] },
  cookies: { keys: ['only for tests'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'groups'] },
  findAccount: (context, id) => known[id] && { accountId: id, claims: () => ({ sub: id, ...known[id] }) },
  pkce: { required: () => true },
})
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'))
