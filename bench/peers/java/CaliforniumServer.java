import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import org.eclipse.californium.core.CoapExchange;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.MediaTypeRegistry;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.config.UdpConfig;

/** Californium with its defaults, or with its duplicate filter per peer: /bench answers 32 bytes, /image 1 MiB block-wise. */
public final class CaliforniumServer {
  private static final class Bytes extends CoapResource {
    private final byte[] body;

    Bytes(String name, int length) {
      super(name);
      body = new byte[length];
      Arrays.fill(body, (byte) 'x');
    }

    @Override
    public void handleGET(CoapExchange exchange) {
      exchange.respond(ResponseCode.CONTENT, body, MediaTypeRegistry.APPLICATION_OCTET_STREAM);
    }
  }

  public static void main(String[] args) throws Exception {
    CoapConfig.register();
    UdpConfig.register();
    Configuration configuration = Configuration.createStandardWithoutFile();
    configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, 2 << 20);
    configuration.set(CoapConfig.MAX_MESSAGE_SIZE, 1024);
    configuration.set(CoapConfig.PREFERRED_BLOCK_SIZE, 1024);
    if (args[1].equals("per-peer")) {
      configuration.set(CoapConfig.DEDUPLICATOR, CoapConfig.DEDUPLICATOR_PEERS_MARK_AND_SWEEP);
    }
    CoapServer server = new CoapServer(configuration);
    server.addEndpoint(
        new CoapEndpoint.Builder()
            .setConfiguration(configuration)
            .setInetSocketAddress(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), Integer.parseInt(args[0])))
            .build());
    server.add(new Bytes("bench", 32), new Bytes("image", 1 << 20));
    server.start();
    System.out.println("ready");
    while (System.in.read() >= 0) {}
  }
}
