// Generated from proto/auth.proto by `npm run generate`. Do not edit.

import type { Rpc, Shape } from '../../functions/runtime/contract.ts';
import type * as types from './auth.ts';

export const UserShape: Shape = {
  name: "auth.User",
  fields: [
    { name: "id", json: "id", kind: "string" },
    { name: "email", json: "email", kind: "string" },
    { name: "created_at", json: "createdAt", kind: "string" },
  ],
};

export const AuthenticateRequestShape: Shape = {
  name: "auth.AuthenticateRequest",
  fields: [
    { name: "email", json: "email", kind: "string", required: true, lengthMax: 254, format: "email" },
    { name: "password", json: "password", kind: "string", required: true, lengthMax: 256 },
  ],
};

export const AuthenticateResponseShape: Shape = {
  name: "auth.AuthenticateResponse",
  fields: [
    { name: "token", json: "token", kind: "string" },
    { name: "refresh_token", json: "refreshToken", kind: "string" },
    { name: "user", json: "user", kind: "message", message: () => UserShape },
  ],
};

export const RegisterRequestShape: Shape = {
  name: "auth.RegisterRequest",
  fields: [
    { name: "email", json: "email", kind: "string", required: true, lengthMax: 254, format: "email" },
    { name: "password", json: "password", kind: "string", required: true, lengthMax: 256 },
  ],
};

export const RegisterResponseShape: Shape = {
  name: "auth.RegisterResponse",
  fields: [
    { name: "token", json: "token", kind: "string" },
    { name: "user", json: "user", kind: "message", message: () => UserShape },
    { name: "refresh_token", json: "refreshToken", kind: "string" },
  ],
};

export const ValidateTokenRequestShape: Shape = {
  name: "auth.ValidateTokenRequest",
  fields: [
    { name: "token", json: "token", kind: "string", required: true, lengthMax: 4096 },
  ],
};

export const ValidateTokenResponseShape: Shape = {
  name: "auth.ValidateTokenResponse",
  fields: [
    { name: "valid", json: "valid", kind: "bool" },
    { name: "user", json: "user", kind: "message", message: () => UserShape },
  ],
};

export const RefreshTokenRequestShape: Shape = {
  name: "auth.RefreshTokenRequest",
  fields: [
    { name: "refresh_token", json: "refreshToken", kind: "string", required: true, lengthMax: 256 },
  ],
};

export const RefreshTokenResponseShape: Shape = {
  name: "auth.RefreshTokenResponse",
  fields: [
    { name: "token", json: "token", kind: "string" },
    { name: "refresh_token", json: "refreshToken", kind: "string" },
  ],
};

export const HealthCheckRequestShape: Shape = {
  name: "auth.HealthCheckRequest",
  fields: [],
};

export const HealthCheckResponseShape: Shape = {
  name: "auth.HealthCheckResponse",
  fields: [
    { name: "healthy", json: "healthy", kind: "bool" },
    { name: "version", json: "version", kind: "string" },
  ],
};

export const LogoutRequestShape: Shape = {
  name: "auth.LogoutRequest",
  fields: [
    { name: "refresh_token", json: "refreshToken", kind: "string", required: true, lengthMax: 256 },
  ],
};

export const LogoutResponseShape: Shape = {
  name: "auth.LogoutResponse",
  fields: [],
};

export const GetMeRequestShape: Shape = {
  name: "auth.GetMeRequest",
  fields: [],
};

export const GetMeResponseShape: Shape = {
  name: "auth.GetMeResponse",
  fields: [
    { name: "user", json: "user", kind: "message", message: () => UserShape },
  ],
};

export const GetJwksRequestShape: Shape = {
  name: "auth.GetJwksRequest",
  fields: [],
};

export const JwkShape: Shape = {
  name: "auth.Jwk",
  fields: [
    { name: "kty", json: "kty", kind: "string" },
    { name: "crv", json: "crv", kind: "string" },
    { name: "x", json: "x", kind: "string" },
    { name: "y", json: "y", kind: "string", optional: true },
    { name: "use", json: "use", kind: "string" },
    { name: "alg", json: "alg", kind: "string" },
    { name: "kid", json: "kid", kind: "string" },
  ],
};

export const GetJwksResponseShape: Shape = {
  name: "auth.GetJwksResponse",
  fields: [
    { name: "keys", json: "keys", kind: "message", repeated: true, message: () => JwkShape },
  ],
};

export const Authenticate: Rpc<types.AuthenticateRequest, types.AuthenticateResponse> = {
  name: "Authenticate",
  service: "auth.AuthService",
  path: "/auth.AuthService/Authenticate",
  functionName: "auth-authenticate",
  access: "PUBLIC",
  successStatus: 200,
  idempotency: "UNKNOWN",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "POST", path: "/api/auth/login", body: "*" }],
  request: AuthenticateRequestShape,
  response: AuthenticateResponseShape,
  codecs: () => import('./codecs/auth-authenticate.ts'),
};

export const Register: Rpc<types.RegisterRequest, types.RegisterResponse> = {
  name: "Register",
  service: "auth.AuthService",
  path: "/auth.AuthService/Register",
  functionName: "auth-register",
  access: "PUBLIC",
  successStatus: 201,
  idempotency: "UNKNOWN",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "POST", path: "/api/auth/register", body: "*" }],
  request: RegisterRequestShape,
  response: RegisterResponseShape,
  codecs: () => import('./codecs/auth-register.ts'),
};

export const ValidateToken: Rpc<types.ValidateTokenRequest, types.ValidateTokenResponse> = {
  name: "ValidateToken",
  service: "auth.AuthService",
  path: "/auth.AuthService/ValidateToken",
  functionName: "auth-validate-token",
  access: "PUBLIC",
  successStatus: 200,
  idempotency: "UNKNOWN",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "POST", path: "/api/auth/validate", body: "*" }],
  request: ValidateTokenRequestShape,
  response: ValidateTokenResponseShape,
  codecs: () => import('./codecs/auth-validate-token.ts'),
};

export const RefreshToken: Rpc<types.RefreshTokenRequest, types.RefreshTokenResponse> = {
  name: "RefreshToken",
  service: "auth.AuthService",
  path: "/auth.AuthService/RefreshToken",
  functionName: "auth-refresh-token",
  access: "PUBLIC",
  successStatus: 200,
  idempotency: "UNKNOWN",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "POST", path: "/api/auth/refresh", body: "*" }],
  request: RefreshTokenRequestShape,
  response: RefreshTokenResponseShape,
  codecs: () => import('./codecs/auth-refresh-token.ts'),
};

export const HealthCheck: Rpc<types.HealthCheckRequest, types.HealthCheckResponse> = {
  name: "HealthCheck",
  service: "auth.AuthService",
  path: "/auth.AuthService/HealthCheck",
  functionName: "auth-health-check",
  access: "PUBLIC",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/auth/healthz" }],
  request: HealthCheckRequestShape,
  response: HealthCheckResponseShape,
  codecs: () => import('./codecs/auth-health-check.ts'),
};

export const Logout: Rpc<types.LogoutRequest, types.LogoutResponse> = {
  name: "Logout",
  service: "auth.AuthService",
  path: "/auth.AuthService/Logout",
  functionName: "auth-logout",
  access: "PUBLIC",
  successStatus: 204,
  idempotency: "UNKNOWN",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "POST", path: "/api/auth/logout", body: "*" }],
  request: LogoutRequestShape,
  response: LogoutResponseShape,
  codecs: () => import('./codecs/auth-logout.ts'),
};

export const GetMe: Rpc<types.GetMeRequest, types.GetMeResponse> = {
  name: "GetMe",
  service: "auth.AuthService",
  path: "/auth.AuthService/GetMe",
  functionName: "auth-get-me",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/auth/me" }],
  request: GetMeRequestShape,
  response: GetMeResponseShape,
  codecs: () => import('./codecs/auth-get-me.ts'),
};

export const GetJwks: Rpc<types.GetJwksRequest, types.GetJwksResponse> = {
  name: "GetJwks",
  service: "auth.AuthService",
  path: "/auth.AuthService/GetJwks",
  functionName: "auth-get-jwks",
  access: "PUBLIC",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/.well-known/jwks.json" }],
  request: GetJwksRequestShape,
  response: GetJwksResponseShape,
  codecs: () => import('./codecs/auth-get-jwks.ts'),
};

/** Every rpc of the package, in the order of its file. */
export const authRpcs = [Authenticate, Register, ValidateToken, RefreshToken, HealthCheck, Logout, GetMe, GetJwks] as const;
