import CryptoExtras

/// The key of the tests' connected app, made once per run.
enum TestKeys {
    private static let app: _RSA.Signing.PrivateKey = {
        do {
            return try _RSA.Signing.PrivateKey(keySize: .bits2048)
        } catch {
            preconditionFailure("a key of 2,048 bits can always be made: \(error)")
        }
    }()

    static var privatePEM: String { app.pemRepresentation }
    static var publicPEM: String { app.publicKey.pemRepresentation }
}
