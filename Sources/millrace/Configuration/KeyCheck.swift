import Crypto
import _CryptoExtras

/// Checks that a key can be used before anything starts; says nothing of its content.
enum KeyCheck {
    /// Salesforce's JWT bearer flow signs with RS256.
    static func complaint(aboutPrivateKey key: Secret) -> String? {
        do {
            _ = try _RSA.Signing.PrivateKey(pemRepresentation: key.reveal())
            return nil
        } catch {
            return "does not hold an RSA private key in PEM form (of 2048 bits or more, without a passphrase)"
        }
    }

    static func complaint(aboutPublicKey pem: String, isRSA: Bool) -> String? {
        do {
            if isRSA {
                _ = try _RSA.Signing.PublicKey(pemRepresentation: pem)
            } else {
                _ = try P256.Signing.PublicKey(pemRepresentation: pem)
            }
            return nil
        } catch {
            let kind = isRSA ? "an RSA public key (RS256)" : "a P-256 public key (ES256)"
            return "does not hold \(kind) in PEM form"
        }
    }
}
