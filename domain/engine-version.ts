import semver from 'semver';

/** Whether new games and upgrades may use a version. */
export const ENGINE_VERSION_STATUSES = ['active', 'deprecated'] as const;
export type EngineVersionStatus = (typeof ENGINE_VERSION_STATUSES)[number];

/**
 * Whether `text` is a semantic version in its one exact form: no leading `v`, no spaces, no leading zeros and no build
 * metadata (which has no precedence, so two versions would be equal without being the same).
 */
export function isExactSemver(text: string): boolean {
  // valid() gives the normal form, which differs from every other way of writing the version.
  return semver.valid(text) === text;
}

/** Negative, zero or positive as `a` comes before, equals or comes after `b` in semver precedence. Both exact. */
export function comparePrecedence(a: string, b: string): number {
  return semver.compare(a, b);
}

/** Whether a running game may go from one version to the other: a greater patch of the same minor, no prerelease. */
export function isPatchUpgrade(from: string, to: string): boolean {
  const target = semver.parse(to);
  const current = semver.parse(from);
  if (target === null || current === null || target.prerelease.length > 0) return false;
  return target.major === current.major && target.minor === current.minor && target.patch > current.patch;
}
