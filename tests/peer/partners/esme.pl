# Net::SMPP as a client: perl esme.pl PORT RECEIPTS RECEIVED CODING=TEXT-IN-UTF-8 …
# The password is in $PASSWORD. Sends each text whole in message_payload, waits for receipts and texts; prints "id ID", "receipt TEXT", "received TEXT".
use strict; use warnings; use Net::SMPP; use Encode;
$| = 1; binmode STDOUT, ':utf8';
my ($port, $receipts, $received, @texts) = @ARGV;
my $smsc = Net::SMPP->new_transceiver('127.0.0.1', port => $port, system_id => 'u', password => $ENV{PASSWORD}) or die "bind: $!";
for (@texts) {
    my ($coding, $text) = split /=/, decode('UTF-8', $_), 2;
    my $answer = $smsc->submit_sm(
        source_addr_ton => 1, source_addr_npi => 1, source_addr => '15550100100', dest_addr_ton => 1, dest_addr_npi => 1,
        destination_addr => '15550100777', registered_delivery => 1, data_coding => $coding, short_message => '',
        message_payload => encode($coding == 8 ? 'UTF-16BE' : 'ascii', $text));
    die 'submit: ' . $answer->status if $answer->status;
    print "id $answer->{message_id}\n";
}
while ($receipts + $received > 0) {
    my $pdu = $smsc->read_pdu or die 'the connection ended';
    next unless $pdu->cmd == Net::SMPP::CMD_deliver_sm;
    $smsc->deliver_sm_resp(seq => $pdu->seq, message_id => '');
    my $receipt = $pdu->{esm_class} & 4;
    print $receipt ? 'receipt ' : 'received ', $pdu->{short_message}, "\n";
    $receipt ? $receipts-- : $received--;
}
$smsc->unbind;
