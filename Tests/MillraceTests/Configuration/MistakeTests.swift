import Foundation
import Store
import Testing

@testable import millrace

struct MistakeTests {
    @Test func mistakesOfChannelsHaveTheirLines() throws {
        let files = try ConfigurationFiles()
        let mistakes = files.mistakes(
            ConfigurationFiles.minimal + """

                track: [Case]
                channels:
                  /data/Wrong: [{ selected_entity: CaseChangeEvent }]
                  /data/A__chn: []
                  /data/B__chn:
                    - selected_entity: Case
                  /data/C__chn:
                    - filter_expression: Status = 'New'
                  /data/D__chn:
                    - selected_entity: CaseChangeEvent
                      filter_expression: Status =
                  /data/E__chn:
                    - selected_entity: ContactChangeEvent
                      filter_expression: Email != null
                  /data/F__chn:
                    - selected_entity: CaseChangeEvent
                    - selected_entity: CaseChangeEvent
                  /event/G__chn:
                    - selected_entity: Low_Ink__e
                      filter: Status
                """)
        let first = ConfigurationFiles.minimal.split(separator: "\n", omittingEmptySubsequences: false).count + 1
        let expected = [
            (2, "/data/Wrong is no channel: the forms are /data/Name__chn and /event/Name__chn"),
            (3, "/data/A__chn must be a list of members, each with a selected_entity"),
            (5, "/data/B__chn: selected_entity Case is not of the form CaseChangeEvent or Name__ChangeEvent"),
            (7, "/data/C__chn: a member has no selected_entity"),
            (10, "/data/D__chn: filter_expression: expected a value after '=' but found end of text (at character 9)"),
            (13, "/data/E__chn: filter_expression uses Email, which cannot be judged: Contact is not in track"),
            (16, "/data/F__chn has CaseChangeEvent twice"),
            (19, "/event/G__chn: a member has selected_entity and filter_expression, each a text, not filter"),
        ]
        #expect(mistakes == expected.map { "\(first + $0.0): channels: \($0.1)" })
    }

    @Test func aDatabaseIsGivenByAFileOrAVariable() throws {
        let files = try ConfigurationFiles()
        let text = ConfigurationFiles.minimal + "\nstore: { url_env: DATABASE }\n"
        let url = "postgres://millrace:hidden@127.0.0.1/crm"
        let configuration = try files.parse(text, environment: ["DATABASE": url])
        guard case .database(let secret, .withTimeZone) = configuration.store.location else {
            Issue.record("\(configuration.store.location)")
            return
        }
        #expect(secret.reveal() == url && !"\(configuration.store)".contains("hidden"))
        let line = ConfigurationFiles.minimal.split(separator: "\n", omittingEmptySubsequences: false).count + 1
        #expect(
            files.mistakes(ConfigurationFiles.minimal + "\nstore: { url_env: DATABASE, path: x.sqlite }\n")
                == [
                    "\(line): store.path cannot stand beside a database: choose one",
                    "\(line): store.url_env names the variable DATABASE, which is not set",
                ])
    }

    @Test func mistakesOfObjectsHaveTheirLines() throws {
        let files = try ConfigurationFiles()
        let mistakes = files.mistakes(
            ConfigurationFiles.minimal + """

                topics: [/data/CaseChangeEvent, /data/AccountChangeEvent, /event/Low_Ink__e]
                objects:
                  Contact: { fields: all }
                  Ca-se: { fields: all }
                  Case:
                    fields: [Subject, 7, Subject]
                  Account: { field: all }
                channels:
                  /data/A__chn: [{ selected_entity: CaseChangeEvent, filter_expression: Status = 'New' }]
                """)
        let first = ConfigurationFiles.minimal.split(separator: "\n", omittingEmptySubsequences: false).count + 1
        let expected = [
            (
                2,
                "objects: Contact: no topic brings its changes: add /data/ChangeEvents or /data/ContactChangeEvent to topics, or have it polled (poll: 5m)"
            ),
            (3, "objects: Ca-se is not the API name of an object"),
            (5, "objects: Case.fields: 7 is not the API name of a field"),
            (5, "objects: Case.fields has Subject twice"),
            (6, "objects: Account.field is not known: did you mean fields?"),
            (6, "objects: Account must have fields, all or a list of names"),
        ]
        #expect(mistakes == expected.map { "\(first + $0.0): \($0.1)" })
        #expect(
            files.mistakes(
                ConfigurationFiles.minimal + """

                    objects: { Case: { fields: [Subject] } }
                    channels: { /data/A__chn: [{ selected_entity: CaseChangeEvent, filter_expression: Status = 'New' }] }
                    """
            ) == [
                "\(first + 1): channels: /data/A__chn: filter_expression uses Status, which cannot be judged: it is not among the fields of Case in objects"
            ])
    }

    /// A port's certificate and its key belong together, and to a port.
    @Test(arguments: [
        ("listen: { certificate_file: ca.pem }", "listen.certificate_file needs listen.private_key_file beside it"),
        ("listen: { private_key_file: ca.pem }", "listen.private_key_file needs listen.certificate_file beside it"),
        (
            "listen: { certificate_file: ca.pem, private_key_file: no.pem }",
            "listen.private_key_file cannot be read: DIRECTORY/no.pem"
        ),
        ("pubsub: { certificate_file: ca.pem }", "pubsub.certificate_file needs pubsub.private_key_file beside it"),
        ("pubsub: { private_key_file: ca.pem }", "pubsub.private_key_file needs pubsub.certificate_file beside it"),
        (
            "pubsub: { certificate_file: ca.pem, private_key_file: ca.pem }",
            "pubsub.certificate_file is for nothing without pubsub.port"
        ),
    ])
    func certificatesStandBesideTheirKeys(section: String, complaint: String) throws {
        let files = try ConfigurationFiles()
        try files.writeAuthority()
        let line = ConfigurationFiles.minimal.split(separator: "\n", omittingEmptySubsequences: false).count + 1
        let wanted = complaint.replacingOccurrences(of: "DIRECTORY", with: files.directory)
        #expect(files.mistakes(ConfigurationFiles.minimal + "\n" + section) == ["\(line): \(wanted)"])
    }

    @Test func allAreFoundAtOnce() throws {
        let files = try ConfigurationFiles()
        let mistakes = files.mistakes(
            """
            org:
              login_url: http://login.salesforce.com
              client_id:
              usrname: bridge@example.com
              private_key_file: missing.pem
              pubsub_address: nowhere
              pubsub_plaintext: yes
            topics: [/data/ChangeEvents, /data/CaseChangeEvent, data/Case, /data/ChangeEvents]
            track: some
            store:
              path: nowhere/log.sqlite
              retention: 72
              log_size_max: 4GB
            listen: { port: http }
            push:
              origins: ["*", https://app.example.com/, app.example.com]
              tokens:
                algorithm: HS265
                secret: hunter2hunter2hunter2hunter2hunter2
              heartbeat: 0s
              message_size_max: 64KiB
              message_size_max: 128KiB
              queue_frames: 5
            log: { level: loud, format: yaml }
            shutdown: 30s
            connections_max: 5
            """)
        #expect(
            mistakes == [
                "1: org.username is missing",
                "2: org.login_url must begin with https:// (http:// is only for this machine)",
                "3: org.client_id has no value",
                "4: unknown key org.usrname: did you mean org.username?",
                "5: org.private_key_file cannot be read: \(files.directory)/missing.pem",
                "6: org.pubsub_address must be host:port, such as api.pubsub.salesforce.com:7443",
                "7: org.pubsub_plaintext must be true or false",
                "8: topics holds /data/ChangeEvents twice",
                "8: topics: /data/CaseChangeEvent overlaps with /data/ChangeEvents (line 8): its events would come twice",
                "8: topics: data/Case is no topic: the forms are /data/ChangeEvents, /data/CaseChangeEvent, /data/Name__chn, /event/Name__e",
                "9: track must be all or a list of objects, such as [Case, Contact]",
                "11: store.path is in a directory that does not exist",
                "12: store.retention must be a duration: a whole number and ms, s, m, h or d, such as 25s or 72h",
                "13: store.log_size_max must be a size: a whole number and B, KiB, MiB, GiB or TiB, such as 64KiB",
                "14: listen.port must be a whole number",
                "16: push.origins: * must name each origin: * would let every page in",
                "16: push.origins: https://app.example.com/ is not an origin: nothing may stand behind the host, not even a slash",
                "16: push.origins: app.example.com is not an origin: the form is https://app.example.com",
                "17: push.tokens.issuer is missing",
                "17: push.tokens.audience is missing",
                "18: push.tokens.algorithm must be one of HS256, RS256, ES256: did you mean HS256?",
                "19: push.tokens.secret: secrets do not stand in this file: use push.tokens.secret_file or push.tokens.secret_env",
                "20: push.heartbeat must be 1s to 10m",
                "22: push.message_size_max stands twice (first on line 21)",
                "23: unknown key push.queue_frames: did you mean push.queue_frames_max?",
                "24: log.level must be one of trace, debug, info, notice, warning, error, critical",
                "24: log.format must be one of text, json",
                "25: shutdown must be keys with values",
                "26: unknown key connections_max: did you mean push.connections_max?",
            ])
    }

    @Test func emptyFileNamesWhatIsMissing() throws {
        let files = try ConfigurationFiles()
        for text in ["", "# nothing\n", "{}"] {
            #expect(
                files.mistakes(text) == [
                    "1: org.login_url is missing", "1: org.client_id is missing", "1: org.username is missing",
                    "1: org.private_key_file or org.private_key_env is missing", "1: push.tokens.algorithm is missing",
                    "1: push.tokens.issuer is missing", "1: push.tokens.audience is missing",
                ])
        }
        #expect(files.mistakes("- a\n- b").first == "1: the file must be keys with values")
    }

    @Test(arguments: [
        ("org: [", "2: the file is not YAML"), ("a: b: c", "1: the file is not YAML"),
        ("a: 1\n b: 2\n", "2: the file is not YAML"),
        ("a: *x", "1: the file is not YAML"), ("a: 1\n---\nb: 2", "2: the file is not YAML"),
        ("a: \u{1}", "1: the file is not YAML"),
    ])
    func brokenYAMLIsOneMistake(text: String, start: String) throws {
        let mistakes = try ConfigurationFiles().mistakes(text)
        #expect(mistakes.count == 1)
        #expect(mistakes.first?.hasPrefix(start) == true, "\(mistakes)")
    }

    @Test func repeatedKeysAreEachNamed() throws {
        let files = try ConfigurationFiles()
        let mistakes = files.mistakes(
            ConfigurationFiles.minimal
                + "\nlisten: { port: 1 }\nlisten: { port: 2 }\nlog:\n  level: info\n  \"level\": debug\n  level: error\nlisten: { port: 3 }\n"
        )
        #expect(
            mistakes == [
                "9: listen stands twice (first on line 8)", "12: log.level stands twice (first on line 11)",
                "13: log.level stands twice (first on line 12)", "14: listen stands twice (first on line 9)",
            ])
    }

    @Test(arguments: [
        ("algorithm: HS256", "push.tokens.secret_file or push.tokens.secret_env is missing"),
        (
            "algorithm: HS256, secret_file: push-secret, secret_env: X",
            "push.tokens.secret_env cannot stand beside push.tokens.secret_file: choose one"
        ),
        (
            "algorithm: HS256, secret_env: NOT_SET",
            "push.tokens.secret_env names the variable NOT_SET, which is not set"
        ),
        ("algorithm: HS256, secret_env: SHORT", "push.tokens.secret_env holds a secret of less than 32 bytes"),
        ("algorithm: HS256, secret_env: BLANK", "push.tokens.secret_env holds nothing"),
        (
            "algorithm: HS256, secret_file: push-secret, jwks_url: https://a.example",
            "push.tokens.jwks_url is for RS256 and ES256, not for HS256"
        ),
        ("algorithm: RS256", "push.tokens.public_key_file or push.tokens.jwks_url is missing"),
        (
            "algorithm: RS256, public_key_file: org-public.pem, secret_file: push-secret",
            "push.tokens.secret_file is for HS256 only"
        ),
        (
            "algorithm: RS256, public_key_file: es256-public.pem",
            "push.tokens.public_key_file does not hold an RSA public key (RS256) in PEM form"
        ),
        (
            "algorithm: ES256, public_key_file: org-public.pem",
            "push.tokens.public_key_file does not hold a P-256 public key (ES256) in PEM form"
        ),
        (
            "algorithm: RS256, public_key_file: org-public.pem, jwks_url: https://a.example",
            "push.tokens.jwks_url cannot stand beside push.tokens.public_key_file: choose one"
        ),
        (
            "algorithm: RS256, jwks_url: http://a.example",
            "push.tokens.jwks_url must begin with https:// (http:// is only for this machine)"
        ),
        ("algorithm: RS256, jwks_url: https://u:p@a.example", "push.tokens.jwks_url must not hold a user or password"),
        (
            "algorithm: HS256, password: x, secret_file: push-secret",
            "push.tokens.password: secrets do not stand in this file: use push.tokens.secret_file or push.tokens.secret_env"
        ),
    ])
    func tokenKeysFitTheAlgorithm(keys: String, message: String) throws {
        let files = try ConfigurationFiles()
        let mistakes = files.mistakes(
            ConfigurationFiles.org + "\npush:\n  tokens: { issuer: i, audience: a, \(keys) }",
            environment: ["SHORT": "secret-not-to-be-shown", "BLANK": "\n"])
        #expect(mistakes == ["7: \(message)"])
        #expect(!mistakes.joined().contains("not-to-be-shown"))
    }

    @Test func privateKeyMustBeOne() throws {
        let files = try ConfigurationFiles()
        let text = ConfigurationFiles.minimal.replacing("org-key.pem", with: "org-public.pem")
        let message = "does not hold an RSA private key in PEM form (of 2048 bits or more, without a passphrase)"
        #expect(files.mistakes(text) == ["5: org.private_key_file \(message)"])
        let environment = ConfigurationFiles.minimal.replacing(
            "private_key_file: org-key.pem", with: "private_key_env: KEY")
        #expect(files.mistakes(environment, environment: ["KEY": "oops"]) == ["5: org.private_key_env \(message)"])
    }

    /// Each bound: one step outside is a mistake, the bound itself is not.
    @Test(arguments: [
        ("listen", "port", "0", "65535", "-1", "65536"), ("push", "heartbeat", "1s", "10m", "999ms", "601s"),
        ("push", "authentication_timeout", "1s", "5m", "0s", "301s"),
        ("push", "message_size_max", "1KiB", "16MiB", "1023B", "16777217B"),
        ("push", "subscriptions_per_connection", "1", "10000", "0", "10001"),
        ("push", "connections_max", "1", "1000000", "0", "1000001"),
        ("push", "connections_per_subject_max", "1", "1000000", "0", "1000001"),
        ("push", "connections_per_address_max", "0", "1000000", "-1", "1000001"),
        ("push", "queue_frames_max", "1", "1000000", "0", "1000001"),
        ("store", "retention", "1m", "365d", "59s", "366d"),
        ("store", "log_size_max", "1MiB", "1024TiB", "1048575B", "1025TiB"),
        ("shutdown", "lame_duck", "0s", "10m", "99999999999999999999s", "601s"),
        ("shutdown", "drain_timeout", "0s", "10m", "99999999999999999999s", "601s"),
    ])
    func rangesHoldAtTheirBounds(
        section: String, key: String, low: String, high: String, below: String, above: String
    ) throws {
        let files = try ConfigurationFiles()
        func mistakes(_ value: String) -> [String] {
            let lines = ConfigurationFiles.minimal
            if section == "push" { return files.mistakes(lines + "\n  \(key): \(value)") }
            return files.mistakes(lines + "\n\(section):\n  \(key): \(value)")
        }
        #expect(mistakes(low) == [])
        #expect(mistakes(high) == [])
        #expect(mistakes(below).count == 1)
        #expect(mistakes(above).count == 1)
        #expect(mistakes(above).first?.contains("\(section).\(key) must be") == true)
    }

    @Test(arguments: [
        "25", "s", "-5s", "2.5s", "25 s", "25S", "1h30m", "", "９s", "99999999999999999d",
    ])
    func badDurations(text: String) {
        #expect(DurationText.duration(text) == nil)
    }

    @Test func quantitiesPrintInTheirLargestUnit() {
        for text in ["500ms", "25s", "90s", "10m", "36h", "3d"] {
            #expect(DurationText.duration(text).map(DurationText.text) == text)
        }
        #expect(DurationText.text(.zero) == "0s")
        #expect(DurationText.duration("72h").map(DurationText.text) == "3d")
        for text in ["1B", "64KiB", "1500KiB", "4GiB", "3TiB"] {
            #expect(SizeText.bytes(text).map(SizeText.text) == text)
        }
        for text in ["64", "64KB", "64kib", "1.5GiB", "-1B", "9999999TiB", "99999999999999999999B"] {
            #expect(SizeText.bytes(text) == nil)
        }
    }

    @Test(
        arguments: [
            ("https://app.example.com", nil), ("http://localhost:3000", nil), ("https://app.example.com:8443", nil),
            ("https://app.example.com:443", "leave out the standard port"), ("https://App.example.com", "lower case"),
            ("ftp://a.example", "https://"), ("null", "form"), ("https://a.example?x", "form"),
        ] as [(String, String?)])
    func originsAreAsBrowsersSendThem(text: String, complaint: String?) {
        let found = WebAddress.complaint(aboutOrigin: text)
        if let complaint { #expect(found?.contains(complaint) == true) } else { #expect(found == nil) }
    }
}
