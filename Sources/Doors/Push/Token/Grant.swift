public import SOQL

/// What a token allows its bearer, after verification. A value; equal `allow` lists are kept once per loop.
public struct Grant: Hashable, Sendable {
    /// One channel that may be subscribed to, and how much of it may be seen.
    public struct Allowance: Hashable, Sendable {
        /// `/data/CaseChangeEvent`
        public var channel: String
        /// Which records; nil: every record.
        public var condition: Condition?
        /// Which fields are ever sent, by REST name or by the name of a compound field; nil: every field.
        public var fields: Set<String>?

        public init(channel: String, condition: Condition?, fields: Set<String>?) {
            self.channel = channel
            self.condition = condition
            self.fields = fields
        }
    }

    /// The `sub` claim: who the connection belongs to. Limits count and revocation acts by it.
    public var subject: String
    /// The `jti` claim, by which the one token can be revoked.
    public var tokenID: String?
    /// Seconds since 1970; nil when the token does not say, and then a revocation of the subject always hits it.
    public var issuedAt: Int64?
    /// Seconds since 1970. The connection ends then unless a fresh token came first.
    public var expiresAt: Int64
    public var allow: [Allowance]
    /// Platform events that the bearer may publish, by topic: `/event/Low_Charge__e`.
    public var publish: Set<String>

    public init(
        subject: String, tokenID: String? = nil, issuedAt: Int64?, expiresAt: Int64, allow: [Allowance],
        publish: Set<String> = []
    ) {
        self.subject = subject
        self.tokenID = tokenID
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.allow = allow
        self.publish = publish
    }
}
