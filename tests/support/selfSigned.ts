/** A certificate that nobody vouches for, valid for a hundred years: for showing that such sources are refused. Its key protects nothing. */
export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMvYiXpEyn7hTk3L9
EQZdmbCDqzpNRd3WfJ7N2IGo48ShRANCAAT5oAfnwqAiehIGffPWQmqlzUbovsFq
PqdKaw7awQ5p+TZDy/8yW0tkkDb9kN+BK9MzZi2QQGPuHFoO5/iy8oux
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBsDCCAVagAwIBAgIUd5YWZrtBFGtobZX7F4Cl5Mpy3+YwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQc2VsZi1zaWduZWQudGVzdDAgFw0yNjExMjEwMTQ3NTZaGA8y
MTI2MTAyODAxNDc1NlowGzEZMBcGA1UEAwwQc2VsZi1zaWduZWQudGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABPmgB+fCoCJ6EgZ989ZCaqXNRui+wWo+p0pr
DtrBDmn5NkPL/zJbS2SQNv2Q34Er0zNmLZBAY+4cWg7n+LLyi7GjdjB0MB0GA1Ud
DgQWBBTpXU2ieA8ay4mkeJep9i0lv4oedzAfBgNVHSMEGDAWgBTpXU2ieA8ay4mk
eJep9i0lv4oedzAPBgNVHRMBAf8EBTADAQH/MCEGA1UdEQQaMBiCEHNlbGYtc2ln
bmVkLnRlc3SHBH8AAAEwCgYIKoZIzj0EAwIDSAAwRQIhAKetBsa7bchiv5ks9n69
vDJlslw2soZCbMDzQTw/2jbKAiAqeV3RIMqBebhMaVOzZJ3PVrpLUJbYJ9nrjEaz
97P3Fw==
-----END CERTIFICATE-----`
}
