/// Why a token was refused, or a key could not be used. The message names the claim or the reason, never the token.
public struct TokenError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        private enum Value {
            case malformed, algorithm, signature, expired, notYetValid, issuer, audience, claim, key, unknownKey,
                notReady
            case revoked
        }
        private let value: Value
        /// Not a compact JWS of three parts with JSON in the first two, or larger than allowed.
        public static let malformed = Code(value: .malformed)
        /// The header names another algorithm than the configured one (`none` included).
        public static let algorithm = Code(value: .algorithm)
        public static let signature = Code(value: .signature)
        public static let expired = Code(value: .expired)
        public static let notYetValid = Code(value: .notYetValid)
        public static let issuer = Code(value: .issuer)
        public static let audience = Code(value: .audience)
        /// A claim is missing, has the wrong type, or `allow` holds something that cannot be used.
        public static let claim = Code(value: .claim)
        /// The configured key, or the issuer's key set, cannot be used: a mistake there, not in a token.
        public static let key = Code(value: .key)
        /// The token names a key that is not in the issuer's set, or names none where there are several.
        public static let unknownKey = Code(value: .unknownKey)
        /// The issuer's keys have not been received yet: the token may be good.
        public static let notReady = Code(value: .notReady)
        /// The subject was revoked after the token was issued.
        public static let revoked = Code(value: .revoked)
    }

    public var code: Code
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
