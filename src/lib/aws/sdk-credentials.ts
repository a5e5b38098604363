import type { Environment } from './profile.ts';
import type { AwsCredentials } from './sign.ts';

/**
 * Credentials from wherever Amazon's own programs find them: SSO, an assumed role, a process, a container, a machine.
 * Loads their library, which looks at the environment of this process; so it is not asked where another one was lent
 * that has nothing to do with Amazon. Rejects where there are none.
 */
export async function sdkCredentials(environment: Environment, profile: string | undefined, region: string): Promise<AwsCredentials | undefined> {
  const { HOME, USERPROFILE, AWS_SHARED_CREDENTIALS_FILE: filepath, AWS_CONFIG_FILE: configFilepath } = environment;
  if (HOME === undefined && USERPROFILE === undefined && !Object.keys(environment).some((name) => name.startsWith('AWS_'))) return undefined;
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  const find = defaultProvider({
    ...(profile !== undefined && { profile }), ...(filepath !== undefined && { filepath }), ...(configFilepath !== undefined && { configFilepath }),
    clientConfig: { region }, maxRetries: 1, timeout: 1_000,
  });
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await find();
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }), ...(expiration && { expiresAt: expiration.getTime() }) };
}
