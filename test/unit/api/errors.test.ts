import { HTTP_STATUS, describeFailure } from '../../../api/errors';
import { ERROR_CODES, GameMasterError } from '../../../domain/errors';
import { StoreUnavailable } from '../../../stores/errors';

test('every code has its status', () => {
  expect(HTTP_STATUS).toEqual({
    invalid_request: 400,
    unauthorized: 401,
    forbidden: 403,
    runtime_not_found: 404,
    engine_version_not_found: 404,
    race_not_found: 404,
    not_found: 404,
    method_not_allowed: 405,
    conflict: 409,
    runtime_not_running: 409,
    semver_patch_only: 409,
    engine_version_in_use: 409,
    engine_version_deprecated: 409,
    engine_validation_error: 422,
    too_many_requests: 429,
    internal_error: 500,
    engine_unreachable: 502,
    turn_mismatch: 502,
    service_unavailable: 503,
  });
});

test.each(ERROR_CODES.filter((code) => code !== 'internal_error'))('%s is told with its message', (code) => {
  expect(describeFailure(new GameMasterError(code, 'what happened'), 1)).toEqual({
    status: HTTP_STATUS[code],
    code,
    message: 'what happened',
  });
});

test('a store that is not there is service_unavailable, without its address', () => {
  expect(describeFailure(new StoreUnavailable('connect ECONNREFUSED 10.0.0.7:5432'), 1)).toEqual({
    status: 503,
    code: 'service_unavailable',
    message: 'the store is not available',
  });
});

test.each([
  ['an error', new TypeError('cannot read secret of undefined')],
  ['an error with a code of its own', Object.assign(new Error('relation missing'), { code: '42P01' })],
  ['an error that names a status', Object.assign(new Error('teapot'), { statusCode: 418 })],
  ['a failure of ours', new GameMasterError('internal_error', 'relation secret does not exist')],
  ['a text', 'secret'],
  ['nothing', undefined],
])('%s nobody expected is internal_error, without its details', (_what, error) => {
  expect(describeFailure(error, 1)).toEqual({
    status: 500,
    code: 'internal_error',
    message: 'internal error',
  });
});
