// What a program proves itself with over coaps, and what it knows of the other side: one JSON object among its arguments,
// with DER in hex. Members: mode (psk, rpk, x509), name (of the device), identity (text), psk, key, publicKey,
// certificate, other (public key or certificate of the other side), authority, connectionId (bytes).
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;

import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.core.util.Hex;
import org.eclipse.leshan.core.security.util.SecurityUtil;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.servers.security.EditableSecurityStore;
import org.eclipse.leshan.servers.security.SecurityInfo;

import com.fasterxml.jackson.databind.JsonNode;

final class Secured {

    private final JsonNode said;
    private final String mode;

    private Secured(JsonNode said) {
        this.said = said;
        this.mode = said.get("mode").asText();
    }

    /** Null where none of the arguments is a JSON object. */
    static Secured of(String[] args) throws Exception {
        for (String arg : args) {
            if (arg.startsWith("{"))
                return new Secured(Lines.JSON.readTree(arg));
        }
        return null;
    }

    /** The security object of a device. The certificate of the server is that very one (usage 3). */
    Security object(String uri) {
        switch (mode) {
        case "psk":
            return Security.psk(uri, 123, said.get("identity").asText().getBytes(StandardCharsets.UTF_8), bytes("psk"));
        case "rpk":
            return Security.rpk(uri, 123, bytes("publicKey"), bytes("key"), bytes("other"));
        default:
            return Security.x509(uri, 123, bytes("certificate"), bytes("key"), bytes("other"));
        }
    }

    /** Lets the one device in. */
    void admit(LeshanServerBuilder builder, EditableSecurityStore store) throws Exception {
        String name = said.get("name").asText();
        switch (mode) {
        case "psk":
            store.add(SecurityInfo.newPreSharedKeyInfo(name, said.get("identity").asText(), bytes("psk")));
            return;
        case "rpk":
            PublicKey own = SecurityUtil.publicKey.decode(bytes("publicKey"));
            builder.setPublicKey(own);
            builder.setPrivateKey(key());
            store.add(SecurityInfo.newRawPublicKeyInfo(name, SecurityUtil.publicKey.decode(bytes("other"))));
            return;
        default:
            builder.setPrivateKey(key());
            builder.setCertificateChain(new X509Certificate[] { certificate("certificate") });
            builder.setTrustedCertificates(new X509Certificate[] { certificate("authority") });
            store.add(SecurityInfo.newX509CertInfo(name));
        }
    }

    void configure(Configuration configuration) {
        if (said.has("connectionId"))
            configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, said.get("connectionId").asInt());
    }

    private PrivateKey key() throws Exception {
        return SecurityUtil.privateKey.decode(bytes("key"));
    }

    private X509Certificate certificate(String member) throws Exception {
        return SecurityUtil.certificate.decode(bytes(member));
    }

    private byte[] bytes(String member) {
        return Hex.decodeHex(said.get(member).asText().toCharArray());
    }
}
