// A DTLS 1.2 peer on Scandium for the interop tests. As a server it sends every message back; as a client it sends the
// lines of its standard input with their line feeds, the first of which makes it connect, prints what comes back, and
// resumes its session with the first one after the line `resume`. It ends when its standard input closes. It tells
// `started`, and `connected` after each handshake, a line each.
//
// Arguments: NAME=VALUE of role, port, suite, identity, psk (hex), key and publicKey (PEM), certificate, authority, raw,
// trusted (PEM), anonymous, serverName, mtu, connectionId,
// old (without extended master secret).
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.eclipse.californium.elements.AddressEndpointContext;
import org.eclipse.californium.elements.EndpointContext;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.elements.auth.RawPublicKeyIdentity;
import org.eclipse.californium.elements.config.CertificateAuthenticationMode;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.util.SslContextUtil;
import org.eclipse.californium.elements.util.StringUtil;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConfig.DtlsRole;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.CertificateType;
import org.eclipse.californium.scandium.dtls.DTLSSession;
import org.eclipse.californium.scandium.dtls.ExtendedMasterSecretMode;
import org.eclipse.californium.scandium.dtls.Handshaker;
import org.eclipse.californium.scandium.dtls.ResumingClientHandshaker;
import org.eclipse.californium.scandium.dtls.ResumingServerHandshaker;
import org.eclipse.californium.scandium.dtls.SessionAdapter;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.SinglePskStore;
import org.eclipse.californium.scandium.dtls.x509.SingleCertificateProvider;
import org.eclipse.californium.scandium.dtls.x509.StaticCertificateVerifier;

public final class DtlsProgram {

    private final Map<String, String> options;
    private final boolean server;
    private final CipherSuite suite;
    private final DTLSConnector connector;

    private DtlsProgram(Map<String, String> options) throws Exception {
        this.options = options;
        server = options.get("role").equals("server");
        suite = CipherSuite.getTypeByName(options.get("suite"));
        connector = new DTLSConnector(configure());
        connector.setRawDataReceiver(server ? this::repeat : message -> print(text(message)));
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (String arg : args) {
            int at = arg.indexOf('=');
            options.put(arg.substring(0, at), arg.substring(at + 1));
        }
        DtlsProgram program = new DtlsProgram(options);
        program.connector.start();
        print("started");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.equals("resume"))
                program.connector.forceResumeAllSessions();
            else
                program.send(program.context(), (line + "\n").getBytes(StandardCharsets.UTF_8));
        }
        if (!program.server)
            program.connector.close(program.peer());
        Thread.sleep(100);
        program.connector.destroy();
        System.exit(0);
    }

    private static synchronized void print(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static String text(RawData message) {
        return new String(message.getBytes(), StandardCharsets.UTF_8).trim();
    }

    private void repeat(RawData message) {
        print("received " + text(message));
        send(message.getEndpointContext(), message.getBytes());
    }

    private void send(EndpointContext to, byte[] bytes) {
        connector.send(RawData.outbound(bytes, to, null, false));
    }

    private InetSocketAddress peer() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(options.get("port")));
    }

    private EndpointContext context() {
        return new AddressEndpointContext(peer(), options.get("serverName"), null);
    }

    private DtlsConnectorConfig configure() throws Exception {
        DtlsConnectorConfig.Builder builder = DtlsConnectorConfig.builder(new Configuration());
        int port = server ? Integer.parseInt(options.get("port")) : 0;
        builder.setAddress(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
        builder.set(DtlsConfig.DTLS_ROLE, server ? DtlsRole.SERVER_ONLY : DtlsRole.CLIENT_ONLY);
        builder.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
        builder.set(DtlsConfig.DTLS_CIPHER_SUITES, List.of(suite));
        builder.set(DtlsConfig.DTLS_EXTENDED_MASTER_SECRET_MODE,
                options.containsKey("old") ? ExtendedMasterSecretMode.NONE : ExtendedMasterSecretMode.REQUIRED);
        builder.set(DtlsConfig.DTLS_USE_SERVER_NAME_INDICATION, options.containsKey("serverName"));
        builder.set(DtlsConfig.DTLS_RECEIVER_THREAD_COUNT, 1);
        builder.set(DtlsConfig.DTLS_CONNECTOR_THREAD_COUNT, 1);
        if (options.containsKey("mtu"))
            builder.set(DtlsConfig.DTLS_MAX_TRANSMISSION_UNIT, Integer.valueOf(options.get("mtu")));
        if (options.containsKey("connectionId"))
            builder.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, Integer.valueOf(options.get("connectionId")));
        if (suite.isPskBased())
            builder.setPskStore(
                    new SinglePskStore(options.get("identity"), StringUtil.hex2ByteArray(options.get("psk"))));
        else
            authenticate(builder);
        builder.setSessionListener(new Reporter());
        return builder.build();
    }

    private void authenticate(DtlsConnectorConfig.Builder builder) throws Exception {
        boolean anonymous = options.containsKey("anonymous");
        if (server)
            builder.set(DtlsConfig.DTLS_CLIENT_AUTHENTICATION_MODE,
                    anonymous ? CertificateAuthenticationMode.NONE : CertificateAuthenticationMode.NEEDED);
        PrivateKey key = SslContextUtil.loadPrivateKey(options.get("key"), null, null, null);
        if (options.containsKey("raw")) {
            PublicKey own = SslContextUtil.loadPublicKey(options.get("publicKey"), null, null);
            PublicKey other = SslContextUtil.loadPublicKey(options.get("trusted"), null, null);
            builder.setCertificateIdentityProvider(new SingleCertificateProvider(key, own));
            builder.setCertificateVerifier(
                    StaticCertificateVerifier.builder().setTrustedRPKs(new RawPublicKeyIdentity(other)).build());
            return;
        }
        if (server || !anonymous) {
            X509Certificate[] chain = SslContextUtil.loadCertificateChain(options.get("certificate"), null, null);
            builder.setCertificateIdentityProvider(
                    new SingleCertificateProvider(key, chain, Collections.singletonList(CertificateType.X_509)));
        }
        if (server && anonymous)
            return;
        Certificate[] roots = SslContextUtil.loadTrustedCertificates(options.get("authority"), null, null);
        builder.setCertificateVerifier(StaticCertificateVerifier.builder().setTrustedCertificates(roots).build());
    }

    private final class Reporter extends SessionAdapter {
        @Override
        public void handshakeCompleted(Handshaker handshaker) {
            DTLSSession session = handshaker.getSession();
            boolean resumed = handshaker instanceof ResumingClientHandshaker
                    || handshaker instanceof ResumingServerHandshaker;
            print("connected suite=" + session.getCipherSuite() + " resumed=" + resumed);
        }

        @Override
        public void handshakeFailed(Handshaker handshaker, Throwable cause) {
            print("refused " + cause);
        }
    }
}
