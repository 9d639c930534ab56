#!/usr/bin/perl
# Writes small packs in the form of two public ones: make_pack.pl neu_det|deeppcb DIRECTORY.
#   neu_det  8 images of each type, 64 x 64 grey, each with one box of 24 x 32 pixels that is brighter.
#   deeppcb  12 pairs in trainval.txt and 4 in test.txt, 640 x 640 grey, each with 3 boxes of 48 x 48 pixels, of which tiles
#            of 128 x 128 cut one.
# Pictures are baseline JPEG put together by hand after ITU-T T.81: flat blocks of 8 x 8 pixels, each with its own level.
use strict;
use warnings;

my $state = 1;
sub noise { $state = ($state * 1103515245 + 12345) & 0x7fffffff; return ($state >> 16) % $_[0] }

# One component, quantiser 8, so that a level is a step of one; differences of levels have up to 7 bits and codes of 4.
sub write_jpeg {
    my ($path, $height, $width, $level) = @_; # $level->(row, column) of a block: -60 to 60
    my ($bits, $last) = ('', 0);
    for my $row (0 .. $height / 8 - 1) {
        for my $column (0 .. $width / 8 - 1) {
            my $difference = $level->($row, $column) - $last;
            my $size = $difference ? length sprintf('%b', abs $difference) : 0;
            my $value = $difference < 0 ? $difference + (1 << $size) - 1 : $difference;
            $bits .= sprintf('%04b', $size) . ($size ? sprintf('%0*b', $size, $value) : '') . '0';
            $last += $difference;
        }
    }
    $bits .= '1' x (-length($bits) % 8);
    (my $scan = pack('B*', $bits)) =~ s/\xff/\xff\x00/g;
    open(my $file, '>:raw', $path) or die "$path: $!\n";
    print $file "\xff\xd8",                                                       # start
        "\xff\xdb", pack('nC*', 67, 0, (8) x 64),                                 # quantisers
        "\xff\xc0", pack('nCnnCCCC', 11, 8, $height, $width, 1, 1, 0x11, 0),      # frame
        "\xff\xc4", pack('nCC16C8', 27, 0x00, 0, 0, 0, 8, (0) x 12, 0 .. 7),      # codes of DC: 4 bits each
        "\xff\xc4", pack('nCC16C', 20, 0x10, 1, (0) x 15, 0),                     # codes of AC: end of block
        "\xff\xda", pack('nCCCCCC', 8, 1, 1, 0x00, 0, 63, 0), $scan, "\xff\xd9";
    close $file or die "$path: $!\n";
}

sub write_text {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
}

sub neu_det {
    my ($directory) = @_;
    mkdir $_ for "$directory/NEU-DET", "$directory/NEU-DET/IMAGES", "$directory/NEU-DET/ANNOTATIONS";
    for my $type (qw(crazing inclusion patches pitted_surface rolled-in_scale scratches)) {
        for my $number (1 .. 8) {
            my ($top, $left) = (noise(4), noise(5)); # in blocks
            write_jpeg("$directory/NEU-DET/IMAGES/${type}_$number.jpg", 64, 64, sub {
                my ($row, $column) = @_;
                my $inside = $row >= $top && $row < $top + 4 && $column >= $left && $column < $left + 3;
                return noise(30) - 50 + 60 * $inside;
            });
            my @box = map { 8 * $_ } $left, $top, $left + 3, $top + 4;
            write_text("$directory/NEU-DET/ANNOTATIONS/${type}_$number.xml",
                "<annotation><size><width>64</width><height>64</height></size>\n<object><name>$type</name><bndbox>"
                . "<xmin>$box[0]</xmin><ymin>$box[1]</ymin><xmax>$box[2]</xmax><ymax>$box[3]</ymax></bndbox></object></annotation>\n");
        }
    }
}

sub deeppcb {
    my ($directory) = @_;
    my @boxes = ([1, 1], [34, 14], [66, 50]); # first block, row and column; tiles of 16 x 16 blocks cut the second
    mkdir $_ for "$directory/PCBData", "$directory/PCBData/group1", "$directory/PCBData/group1/1", "$directory/PCBData/group1/1_not";
    my %list;
    for my $number (1001 .. 1016) {
        my @board = map { noise(40) - 55 } 1 .. 80 * 80;
        my $spot = sub { my ($row, $column) = @_;
            return scalar grep { $row >= $_->[0] && $row < $_->[0] + 6 && $column >= $_->[1] && $column < $_->[1] + 6 } @boxes };
        my $path = "$directory/PCBData/group1/1/$number";
        write_jpeg("${path}_temp.jpg", 640, 640, sub { $board[80 * $_[0] + $_[1]] });
        write_jpeg("${path}_test.jpg", 640, 640, sub { $board[80 * $_[0] + $_[1]] + ($spot->(@_) ? 60 : 0) });
        write_text("$directory/PCBData/group1/1_not/$number.txt", join '', map {
            my ($y, $x) = map { 8 * $_ } @{$boxes[$_]};
            join(' ', $x, $y, $x + 48, $y + 48, 1 + ($number + $_) % 6) . "\n" } 0 .. 2);
        $list{$number <= 1012 ? 'trainval' : 'test'} .= "group1/1/$number.jpg group1/1_not/$number.txt\n";
    }
    write_text("$directory/PCBData/$_.txt", $list{$_}) for sort keys %list;
}

my ($what, $directory) = @ARGV;
my %packs = (neu_det => \&neu_det, deeppcb => \&deeppcb);
die "usage: make_pack.pl neu_det|deeppcb DIRECTORY\n" unless @ARGV == 2 && $packs{$what};
$packs{$what}->($directory);
