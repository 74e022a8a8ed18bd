/* SPDX-License-Identifier: MIT */
/* Contexts: what they are made of, and what they refuse. */
#include "tls_world.h"

#include <stdio.h>

static char why[300];

#define SERVER(...)                                                            \
    try(acio_tls_server_context,                                               \
        (struct acio_tls_options){ __VA_ARGS__, .error_text = why,             \
            .error_text_bytes = sizeof why })
#define CLIENT(...)                                                            \
    try(acio_tls_client_context,                                               \
        (struct acio_tls_options){ __VA_ARGS__, .error_text = why,             \
            .error_text_bytes = sizeof why })

static int
try(int (*make)(acio_tls_context **, const struct acio_tls_options *),
    struct acio_tls_options options)
{
    acio_tls_context *context = (void *)why;
    int err = make(&context, &options);
    ALWAYS((err == 0) == (context != NULL));
    acio_tls_context_free(context);
    return err;
}

/* Is `text` in the sentence? The folder of the certificates is in it, too. */
static bool
said(const char *text)
{
    return strstr(why, text) != NULL;
}

TEST(tls_context, is_made_of_files)
{
    EXPECT_ERR(SERVER(.certificate_file = certificate("server.pem")), 0);
    EXPECT_TEXT(why, "");
    EXPECT_ERR(SERVER(.certificate_file = certificate("server.crt"),
                   .key_file = certificate("server.key")),
        0);
    EXPECT_ERR(CLIENT(.authorities_file = certificate("authority.pem"),
                   .certificate_file = certificate("alice.pem")),
        0);
    EXPECT_ERR(CLIENT(.authorities_folder = CERTIFICATES), 0);
    EXPECT_ERR(acio_tls_client_context(NULL, NULL), -EINVAL);
    acio_tls_context_free(NULL);
}

TEST(tls_context, tells_of_a_file_that_is_not_there)
{
    EXPECT_ERR(SERVER(.certificate_file = "/nowhere.pem"), -ENOENT);
    EXPECT_TEXT(why, "cannot read '/nowhere.pem': No such file or directory");
    EXPECT_ERR(CLIENT(.authorities_file = "/nowhere.pem"), -ENOENT);
    EXPECT_ERR(CLIENT(.authorities_folder = "/nowhere"), -ENOENT);
}

TEST(tls_context, tells_of_a_file_that_holds_something_else)
{
    EXPECT_ERR(SERVER(.certificate_file = certificate("server.key")), -EINVAL);
    EXPECT(said("the certificate in '"));
    EXPECT(said("server.key' cannot be used: no start line"));
    EXPECT_ERR(SERVER(.certificate_file = certificate("server.crt")), -EINVAL);
    EXPECT(said("the key in '"));
    EXPECT(said("server.crt' cannot be used: "));
    EXPECT_ERR(CLIENT(.authorities_file = certificate("server.key")), -EINVAL);
    EXPECT(said("the authorities in '"));
}

TEST(tls_context, tells_of_a_key_that_belongs_to_another_certificate)
{
    EXPECT_ERR(SERVER(.certificate_file = certificate("server.crt"),
                   .key_file = certificate("other.key")),
        -EINVAL);
    EXPECT(said("other.key' cannot be used: key values mismatch"));
}

TEST(tls_context, opens_an_encrypted_key_with_its_password_only)
{
    EXPECT_ERR(SERVER(.certificate_file = certificate("locked.pem"),
                   .key_password = "secret"),
        0);
    EXPECT_ERR(SERVER(.certificate_file = certificate("locked.pem"),
                   .key_password = "guess"),
        -EINVAL);
    EXPECT(said("locked.pem' cannot be used: "));
    EXPECT_ERR(SERVER(.certificate_file = certificate("locked.pem")), -EINVAL);
    EXPECT(said("locked.pem' cannot be used: "));
}

TEST(tls_context, of_a_server_needs_a_certificate)
{
    EXPECT_ERR(SERVER(.verify = ACIO_TLS_VERIFY_NONE), -EINVAL);
    EXPECT_TEXT(why, "a server needs a certificate_file");
}

TEST(tls_context, of_a_server_that_asks_for_certificates_has_to_say_whose)
{
    EXPECT_ERR(SERVER(.certificate_file = certificate("server.pem"),
                   .verify = ACIO_TLS_VERIFY_REQUIRED),
        -EINVAL);
    EXPECT_TEXT(why, "a server that asks for certificates needs authorities");
}

TEST(tls_context, takes_authorities_as_text)
{
    char pem[4096];
    FILE *file = fopen(certificate("authority.pem"), "r");
    REQUIRE(file != NULL);
    pem[fread(pem, 1, sizeof pem - 1, file)] = '\0';
    fclose(file);
    EXPECT_ERR(CLIENT(.authorities_text = pem), 0);
    EXPECT_ERR(CLIENT(.authorities_text = "nothing"), -EINVAL);
    EXPECT(said("authorities_text cannot be used: "));
    strstr(pem, "-----END")[-20] = '!';
    EXPECT_ERR(CLIENT(.authorities_text = pem), -EINVAL);
}

TEST(tls_context, knows_versions_and_ciphers)
{
    EXPECT_ERR(CLIENT(.lowest_version = ACIO_TLS_1_3), 0);
    EXPECT_ERR(CLIENT(.lowest_version = 0x0302), -EINVAL);
    EXPECT_TEXT(why, "there is no such version of TLS");
    EXPECT_ERR(CLIENT(.ciphers = "ECDHE+AESGCM"), 0);
    EXPECT_ERR(CLIENT(.ciphers = "ROT13"), -EINVAL);
    EXPECT_TEXT(why, "ciphers: no cipher match");
    EXPECT_ERR(CLIENT(.cipher_suites = "ROT13"), -EINVAL);
}

TEST(tls_context, knows_what_can_be_the_name_of_a_protocol)
{
    static const char *const empty[] = { "h2", "", NULL };
    static const char *const none[] = { NULL };
    EXPECT_ERR(CLIENT(.protocols = empty), -EINVAL);
    EXPECT_TEXT(why, "'' is no name of a protocol");
    EXPECT_ERR(CLIENT(.protocols = none), 0);
}

TEST(tls_context, takes_hosts_of_servers_only)
{
    acio_tls_context *server, *client;
    REQUIRE_ERR(acio_tls_client_context(&client, NULL), 0);
    REQUIRE_ERR(acio_tls_server_context(&server,
                    &(struct acio_tls_options){
                        .certificate_file = certificate("server.pem") }),
        0);
    EXPECT_ERR(acio_tls_context_add_host(server, "a", server), -EINVAL);
    EXPECT_ERR(acio_tls_context_add_host(client, "a", server), -EINVAL);
    EXPECT_ERR(acio_tls_context_add_host(server, "a", client), -EINVAL);
    EXPECT_ERR(acio_tls_context_add_host(server, "", server), -EINVAL);
    acio_tls_context_free(client);
    acio_tls_context_free(server);
    EXPECT(!acio_tls_security(NULL));
    EXPECT(!acio_tls_context_native(NULL));
}
