/// One connection of a load loop: a row of its table.
struct LoadConnection {
    enum Phase {
        /// Not begun.
        case waiting
        /// Until the socket says that it is connected.
        case connecting
        /// Until the upgrade is answered; with TLS, also its handshake.
        case upgrading
        /// Until `welcome`.
        case greeting
        /// Until every subscription is answered.
        case subscribing
        case standing
        case ended

        /// What is waited for, in words; nil: nothing that would have a deadline.
        var awaited: String? {
            switch self {
            case .waiting, .standing, .ended: nil
            case .connecting: "connect"
            case .upgrading: "upgrade"
            case .greeting: "welcome"
            case .subscribing: "subscribed"
            }
        }
    }

    /// From 1.
    let number: Int
    /// Of its subscriptions in the ledger; those of its other channels follow.
    let firstSubscription: Int
    var phase = Phase.waiting
    var descriptor: CInt = -1
    var nonce: (UInt64, UInt64) = (0, 0)
    var tls: TLSClient?
    /// The answer to the upgrade, as far as it has come.
    var head: [UInt8] = []
    var reader = ServerFrameReader()
    /// What the socket has not taken yet.
    var output: [UInt8] = []
    /// The poller tells when the socket takes more.
    var isBlocked = false
    var unansweredCount = 0
    var refusedCount = 0
    /// Microseconds.
    var begun: Int64 = 0
    var asked: Int64 = 0
    var heard: Int64 = 0
    /// Silence after which the connection counts as dead; nil: the server has promised nothing.
    var silenceMax: Int64?

    init(number: Int, firstSubscription: Int) {
        self.number = number
        self.firstSubscription = firstSubscription
    }
}
