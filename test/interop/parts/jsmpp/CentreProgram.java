// A small SMS centre on jSMPP for the interop tests: each account has a number, and what one account sends to the number of another is
// delivered there. It tells what happens as `event` lines and takes commands on standard input; it ends when that closes.
//
// Arguments: the port of 127.0.0.1, then account:password:number of each account, then perhaps a key store (PKCS #12) and its password,
// for TLS: `tls=FILE:PASSWORD`.
//
// Commands: `throttle N`, the next N messages are refused with ESME_RTHROTTLED; `full N`, with ESME_RMSGQFUL; `receipts`, each message is
// told of by a receipt; `unbind`, all are unbound; `say NUMBER FROM TEXT`, somebody else sends a text.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLServerSocketFactory;

import org.jsmpp.SMPPConstant;
import org.jsmpp.bean.BindType;
import org.jsmpp.bean.BroadcastSm;
import org.jsmpp.bean.CancelBroadcastSm;
import org.jsmpp.bean.CancelSm;
import org.jsmpp.bean.DataSm;
import org.jsmpp.bean.ESMClass;
import org.jsmpp.bean.NumberingPlanIndicator;
import org.jsmpp.bean.QueryBroadcastSm;
import org.jsmpp.bean.QuerySm;
import org.jsmpp.bean.RawDataCoding;
import org.jsmpp.bean.RegisteredDelivery;
import org.jsmpp.bean.ReplaceSm;
import org.jsmpp.bean.SubmitMulti;
import org.jsmpp.bean.SubmitSm;
import org.jsmpp.bean.TypeOfNumber;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.session.BindRequest;
import org.jsmpp.session.BroadcastSmResult;
import org.jsmpp.session.DataSmResult;
import org.jsmpp.session.QueryBroadcastSmResult;
import org.jsmpp.session.QuerySmResult;
import org.jsmpp.session.SMPPServerSession;
import org.jsmpp.session.SMPPServerSessionListener;
import org.jsmpp.session.ServerMessageReceiverListener;
import org.jsmpp.session.Session;
import org.jsmpp.session.SubmitMultiResult;
import org.jsmpp.session.SubmitSmResult;
import org.jsmpp.session.connection.ServerConnection;
import org.jsmpp.session.connection.ServerConnectionFactory;
import org.jsmpp.session.connection.socket.ServerSocketConnection;

public final class CentreProgram implements ServerMessageReceiverListener {

    private static final class Account {
        final String password;
        final String number;

        Account(String password, String number) {
            this.password = password;
            this.number = number;
        }
    }

    private final Map<String, Account> accounts = new ConcurrentHashMap<>();
    /** By number, without a plus. */
    private final Map<String, SMPPServerSession> bound = new ConcurrentHashMap<>();
    private final Map<SMPPServerSession, String> numbers = new ConcurrentHashMap<>();
    private final ExecutorService deliveries = Executors.newSingleThreadExecutor(CentreProgram::daemon);
    private final AtomicInteger throttled = new AtomicInteger();
    private final AtomicInteger full = new AtomicInteger();
    private final AtomicInteger ids = new AtomicInteger();
    private volatile boolean receipts;

    public static void main(String[] args) throws Exception {
        CentreProgram centre = new CentreProgram();
        ServerSocketFactory sockets = ServerSocketFactory.getDefault();
        for (int i = 1; i < args.length; i++) {
            if (args[i].startsWith("tls=")) {
                String[] store = args[i].substring(4).split(":");
                System.setProperty("javax.net.ssl.keyStore", store[0]);
                System.setProperty("javax.net.ssl.keyStorePassword", store[1]);
                sockets = SSLServerSocketFactory.getDefault();
            } else {
                String[] account = args[i].split(":");
                centre.accounts.put(account[0], new Account(account[1], account[2]));
            }
        }
        SMPPServerSessionListener listener = new SMPPServerSessionListener(Integer.parseInt(args[0]),
                new Loopback(sockets));
        listener.setMessageReceiverListener(centre);
        daemon(() -> centre.accept(listener)).start();
        event("started", "");
        centre.obey();
        System.exit(0);
    }

    private static final class Loopback implements ServerConnectionFactory {
        private final ServerSocketFactory sockets;

        Loopback(ServerSocketFactory sockets) {
            this.sockets = sockets;
        }

        @Override
        public ServerConnection listen(int port) throws IOException {
            return new ServerSocketConnection(sockets.createServerSocket(port, 50, InetAddress.getByName("127.0.0.1")));
        }

        @Override
        public ServerConnection listen(int port, int timeout) throws IOException {
            return listen(port);
        }

        @Override
        public ServerConnection listen(int port, int timeout, int backlog) throws IOException {
            return listen(port);
        }
    }

    private void accept(SMPPServerSessionListener listener) {
        while (true) {
            try {
                SMPPServerSession session = listener.accept();
                daemon(() -> admit(session)).start();
            } catch (IOException e) {
                event("failed", member("what", e.toString()));
            }
        }
    }

    private void admit(SMPPServerSession session) {
        try {
            BindRequest request = session.waitForBind(10_000);
            Account account = accounts.get(request.getSystemId());
            String who = member("account", request.getSystemId());
            if (account == null || request.getBindType() != BindType.BIND_TRX) {
                request.reject(account == null ? SMPPConstant.STAT_ESME_RINVSYSID : SMPPConstant.STAT_ESME_RBINDFAIL);
                event("refused", who);
            } else if (!account.password.equals(request.getPassword())) {
                request.reject(SMPPConstant.STAT_ESME_RINVPASWD);
                event("refused", who);
            } else {
                session.addSessionStateListener((now, before, source) -> {
                    if (!now.isBound() && numbers.remove(session) != null) {
                        bound.remove(account.number, session);
                        event("gone", who);
                    }
                });
                numbers.put(session, account.number);
                bound.put(account.number, session);
                request.accept("centre");
                event("bound", who);
            }
        } catch (Exception e) {
            event("failed", member("what", e.toString()));
        }
    }

    private void obey() throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", 4);
            switch (words[0]) {
            case "throttle":
                throttled.set(Integer.parseInt(words[1]));
                break;
            case "full":
                full.set(Integer.parseInt(words[1]));
                break;
            case "receipts":
                receipts = true;
                break;
            case "unbind":
                numbers.keySet().forEach(SMPPServerSession::unbindAndClose);
                break;
            case "say":
                deliver(words[1], TypeOfNumber.INTERNATIONAL, words[2], new ESMClass(), (byte) 0,
                        words[3].getBytes(StandardCharsets.US_ASCII));
                break;
            default:
                throw new IllegalArgumentException(line);
            }
        }
    }

    @Override
    public SubmitSmResult onAcceptSubmitSm(SubmitSm message, SMPPServerSession session)
            throws ProcessRequestException {
        if (throttled.getAndUpdate(n -> Math.max(0, n - 1)) > 0)
            throw new ProcessRequestException("throttled", SMPPConstant.STAT_ESME_RTHROTTLED);
        if (full.getAndUpdate(n -> Math.max(0, n - 1)) > 0)
            throw new ProcessRequestException("full", SMPPConstant.STAT_ESME_RMSGQFUL);
        String own = numbers.get(session);
        String from = message.getSourceAddr() == null || message.getSourceAddr().isEmpty() ? own
                : message.getSourceAddr();
        byte[] bytes = message.getShortMessage();
        event("message", member("from", from) + member("to", message.getDestAddress())
                + member("sourceTon", Byte.toString(message.getSourceAddrTon()))
                + member("sourceNpi", Byte.toString(message.getSourceAddrNpi()))
                + member("esmClass", Byte.toString(message.getEsmClass()))
                + member("coding", Byte.toString(message.getDataCoding())) + member("hex", hex(bytes)));
        deliver(message.getDestAddress(), TypeOfNumber.INTERNATIONAL, from, new ESMClass(message.getEsmClass()),
                message.getDataCoding(), bytes);
        String id = Integer.toString(ids.incrementAndGet());
        if (receipts) {
            String text = "id:" + id + " sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000";
            deliver(own, TypeOfNumber.INTERNATIONAL, message.getDestAddress(), new ESMClass(0x04), (byte) 0,
                    text.getBytes(StandardCharsets.US_ASCII));
        }
        try {
            return new SubmitSmResult(new org.jsmpp.util.MessageId(id), null);
        } catch (org.jsmpp.PDUStringException e) {
            throw new IllegalStateException(e);
        }
    }

    /** In order, and never in the thread that answers whoever sent it. */
    private void deliver(String to, TypeOfNumber type, String from, ESMClass esmClass, byte coding, byte[] bytes) {
        deliveries.execute(() -> {
            SMPPServerSession session = bound.get(to);
            if (session == null) {
                event("undelivered", member("to", to));
                return;
            }
            try {
                session.deliverShortMessage("", type, NumberingPlanIndicator.ISDN, from, type,
                        NumberingPlanIndicator.ISDN, to, esmClass, (byte) 0, (byte) 0, new RegisteredDelivery(0),
                        new RawDataCoding(coding), bytes);
                event("delivered", member("to", to));
            } catch (Exception e) {
                event("undelivered", member("to", to) + member("what", e.toString()));
            }
        });
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte each : bytes)
            text.append(String.format("%02x", each));
        return text.toString();
    }

    /** Of a JSON object, behind others. */
    private static String member(String name, String value) {
        String escaped = String.valueOf(value).replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ");
        return ",\"" + name + "\":\"" + escaped + "\"";
    }

    private static synchronized void event(String name, String members) {
        System.out.println("event {\"event\":\"" + name + "\"" + members + "}");
        System.out.flush();
    }

    // What no test asks for.

    @Override
    public SubmitMultiResult onAcceptSubmitMulti(SubmitMulti message, SMPPServerSession session)
            throws ProcessRequestException {
        throw unknown();
    }

    @Override
    public QuerySmResult onAcceptQuerySm(QuerySm message, SMPPServerSession session) throws ProcessRequestException {
        throw unknown();
    }

    @Override
    public void onAcceptReplaceSm(ReplaceSm message, SMPPServerSession session) throws ProcessRequestException {
        throw unknown();
    }

    @Override
    public void onAcceptCancelSm(CancelSm message, SMPPServerSession session) throws ProcessRequestException {
        throw unknown();
    }

    @Override
    public BroadcastSmResult onAcceptBroadcastSm(BroadcastSm message, SMPPServerSession session)
            throws ProcessRequestException {
        throw unknown();
    }

    @Override
    public void onAcceptCancelBroadcastSm(CancelBroadcastSm message, SMPPServerSession session)
            throws ProcessRequestException {
        throw unknown();
    }

    @Override
    public QueryBroadcastSmResult onAcceptQueryBroadcastSm(QueryBroadcastSm message, SMPPServerSession session)
            throws ProcessRequestException {
        throw unknown();
    }

    @Override
    public DataSmResult onAcceptDataSm(DataSm message, Session session) throws ProcessRequestException {
        throw unknown();
    }

    private static ProcessRequestException unknown() {
        return new ProcessRequestException("not here", SMPPConstant.STAT_ESME_RINVCMDID);
    }
}
