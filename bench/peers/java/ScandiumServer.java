import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.CoapExchange;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.MediaTypeRegistry;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.config.UdpConfig;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConfig.DtlsRole;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.SinglePskStore;

/**
 * Californium over Scandium with a pre-shared key and connection ids of six bytes: /bench answers 32 bytes. Arguments: port,
 * {@code default} or {@code per-peer} (the duplicate filter), identity, key. The command {@code memory} on standard input tells
 * the heap in use after a full collection.
 */
public final class ScandiumServer {
  private static final class Bytes extends CoapResource {
    private final byte[] body = new byte[32];

    Bytes() {
      super("bench");
      Arrays.fill(body, (byte) 'x');
    }

    @Override
    public void handleGET(CoapExchange exchange) {
      exchange.respond(ResponseCode.CONTENT, body, MediaTypeRegistry.APPLICATION_OCTET_STREAM);
    }
  }

  private static void tellMemory() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(200);
    }
    Runtime runtime = Runtime.getRuntime();
    System.out.println("{\"heap\":" + (runtime.totalMemory() - runtime.freeMemory()) + ",\"external\":0}");
  }

  public static void main(String[] args) throws Exception {
    CoapConfig.register();
    UdpConfig.register();
    DtlsConfig.register();
    Configuration configuration = Configuration.createStandardWithoutFile();
    configuration.set(CoapConfig.MAX_ACTIVE_PEERS, 400000);
    if (args[1].equals("per-peer")) {
      configuration.set(CoapConfig.DEDUPLICATOR, CoapConfig.DEDUPLICATOR_PEERS_MARK_AND_SWEEP);
    }
    configuration.set(DtlsConfig.DTLS_ROLE, DtlsRole.SERVER_ONLY);
    configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, 6);
    configuration.set(DtlsConfig.DTLS_MAX_CONNECTIONS, 400000);
    configuration.set(DtlsConfig.DTLS_STALE_CONNECTION_THRESHOLD, 30, TimeUnit.MINUTES);
    configuration.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
    configuration.setAsList(DtlsConfig.DTLS_CIPHER_SUITES, CipherSuite.TLS_PSK_WITH_AES_128_CCM_8);
    DtlsConnectorConfig dtls =
        new DtlsConnectorConfig.Builder(configuration)
            .setAddress(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), Integer.parseInt(args[0])))
            .setPskStore(new SinglePskStore(args[2], args[3].getBytes(StandardCharsets.UTF_8)))
            .build();
    CoapServer server = new CoapServer(configuration);
    server.addEndpoint(
        new CoapEndpoint.Builder().setConfiguration(configuration).setConnector(new DTLSConnector(dtls)).build());
    server.add(new Bytes());
    server.start();
    System.out.println("ready");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      if (line.equals("memory")) tellMemory();
    }
    System.exit(0);
  }
}
