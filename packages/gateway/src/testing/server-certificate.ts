// A certificate and its key, for tests of what is configured.

/** CN=server.example, signed by itself and made for tests (openssl req -x509 -newkey ec -days 36500). */
export const serverCertificate = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUEHqs2L89czk9lBMksIUIm96+RwUwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOc2VydmVyLmV4YW1wbGUwIBcNMjYxMTI4MTMwNjA4WhgPMjEy
NjExMDQxMzA2MDhaMBkxFzAVBgNVBAMMDnNlcnZlci5leGFtcGxlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEgrqZ2ixRZOXdi/uqO4uza9qYWloaVyAx/WV1E5+T
AhsgVjym59jwCTUVxOIVs6afgcPqUfrVUda4bg9siwt1q6NTMFEwHQYDVR0OBBYE
FHJpn+xMKI8jaFYdBPtHM1+2h0KFMB8GA1UdIwQYMBaAFHJpn+xMKI8jaFYdBPtH
M1+2h0KFMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgGzyvWC/C
NJ9lLuLvcrQziAV9XHh9F7mVp0olIIocNmQCIGsBWrVhNNifH2wjXUMAJdXvvZHw
1zU5nbGLJHR9GVJR
-----END CERTIFICATE-----
`;
/** Its key. */
export const serverKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgl22yGtSDxtpi8Sp0
m98Zp3sv79vbw7oNGdXTgRS2KjGhRANCAASCupnaLFFk5d2L+6o7i7Nr2phaWhpX
IDH9ZXUTn5MCGyBWPKbn2PAJNRXE4hWzpp+Bw+pR+tVR1rhuD2yLC3Wr
-----END PRIVATE KEY-----
`;
