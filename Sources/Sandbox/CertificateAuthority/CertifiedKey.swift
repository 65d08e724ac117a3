internal import Crypto
internal import Foundation
internal import SwiftASN1
internal import X509

/// A key and the certificate of its public half.
struct CertifiedKey {
    var certificate: Certificate
    var key: Certificate.PrivateKey

    static var subjectNames: [GeneralName] {
        DevelopmentCA.hostNames.map(GeneralName.dnsName)
            + DevelopmentCA.addresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) }
    }

    /// A self-signed authority. Of host names it can vouch only for this machine's and Salesforce's.
    static func authority(now: Date) throws -> CertifiedKey {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName {
            OrganizationName("Millrace sandbox")
            CommonName("Millrace development CA (not for production)")
        }
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            // Names only: BoringSSL, and with it gRPC, refuses an authority with constraints on addresses.
            Critical(NameConstraints(permittedDNSDomains: ["localhost", "salesforce.com"]))
            SubjectKeyIdentifier(hash: key.publicKey)
        }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: now - DevelopmentCA.clockSkew, notValidAfter: now + DevelopmentCA.authorityLifetime,
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: key)
        return CertifiedKey(certificate: certificate, key: key)
    }

    /// A server certificate, signed by an authority.
    static func server(of authority: CertifiedKey, now: Date) throws -> CertifiedKey {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let authorityKeyIdentifier = SubjectKeyIdentifier(hash: authority.key.publicKey).keyIdentifier
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth])
            SubjectAlternativeNames(subjectNames)
            SubjectKeyIdentifier(hash: key.publicKey)
            AuthorityKeyIdentifier(keyIdentifier: authorityKeyIdentifier)
        }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: now - DevelopmentCA.clockSkew, notValidAfter: now + DevelopmentCA.certificateLifetime,
            issuer: authority.certificate.subject,
            subject: try DistinguishedName {
                OrganizationName("Millrace sandbox")
                CommonName("localhost")
            },
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: authority.key)
        return CertifiedKey(certificate: certificate, key: key)
    }
}
